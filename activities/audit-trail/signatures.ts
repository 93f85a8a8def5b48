// Anchors and checkpoints are signed, so that who only verifies needs no more than the public key.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../ops/runtime/canonical-json';
import { createSigner as createContentSigner, isSignedBy } from '../../ops/runtime/signing';

export type Kind = 'anchor' | 'checkpoint' | 'restoration';

export interface Verifier {
  /** Whether one of the known keys has signed this. */
  verifies(kind: Kind, statement: object, signature: Uint8Array): boolean;
}

export interface Signer extends Verifier {
  keyId: string;
  /** Of every key of SECRET_KEY, in base64; the first signs. */
  publicKeys: string[];
  sign(kind: Kind, statement: object): Buffer;
}

export function createSigner(secretKeys: readonly Buffer[]): Signer {
  const { publicKeys, sign } = createContentSigner(secretKeys, 'audit');
  return {
    keyId: createHash('sha256')
      .update(publicKeys[0] as string)
      .digest('hex')
      .slice(0, 16),
    publicKeys,
    sign: (kind, statement) => Buffer.from(sign(textOf(kind, statement)).signature, 'base64'),
    ...createVerifier(publicKeys),
  };
}

/** @param publicKeys 32 bytes each, in base64; throws where one is not */
export function createVerifier(publicKeys: readonly string[]): Verifier {
  if (publicKeys.some((key) => Buffer.from(key, 'base64').length !== 32)) {
    throw new TypeError('A public key is 32 bytes in base64.');
  }
  return {
    verifies: (kind, statement, signature) =>
      publicKeys.some((key) => isSignedBy(key, textOf(kind, statement), signature)),
  };
}

/** The kind is signed too, so that neither can stand for the other. */
const textOf = (kind: Kind, statement: object) => `countersign audit ${kind} ${canonicalJson(statement)}`;
