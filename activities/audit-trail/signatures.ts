// Signs and checks anchors, checkpoints and restorations. A verifier needs no more than the public key.
import { createHash } from 'node:crypto';
import { canonicalJson, ifCanonical } from '../../ops/runtime/canonical-json';
import { createSigner as createContentSigner, isSignedBy, type Standing } from '../../ops/runtime/signing';

export type Kind = 'anchor' | 'checkpoint' | 'restoration';

/** How a signature names its key: the first 16 hexadecimal digits of the SHA-256 of the public key in base64. */
export const KEY_ID = /^[0-9a-f]{16}$/;

export interface Verifier {
  /** @param keyId of the key that is said to have signed; null: not named, so that only a known key can be right */
  check(kind: Kind, statement: object, signature: Uint8Array, keyId: string | null): Standing;
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
    keyId: keyIdOf(publicKeys[0] as string),
    publicKeys,
    sign: (kind, statement) => Buffer.from(sign(textOf(kind, statement)).signature, 'base64'),
    ...createVerifier(publicKeys),
  };
}

/** @param publicKeys 32 bytes each, in base64. Throws a TypeError if one is not */
export function createVerifier(publicKeys: readonly string[]): Verifier {
  if (publicKeys.some((key) => Buffer.from(key, 'base64').length !== 32)) {
    throw new TypeError('A public key is 32 bytes in base64.');
  }
  const known = publicKeys.map(keyIdOf);
  return {
    check(kind, statement, signature, keyId) {
      // The key id is not signed: a known key's signature counts whichever id stands beside it.
      const hasSigned = (key: string) => isSignedBy(key, textOf(kind, statement), signature);
      const isGenuine = ifCanonical(() => publicKeys.some(hasSigned), false);
      if (isGenuine) return 'genuine';
      return keyId === null || !KEY_ID.test(keyId) || known.includes(keyId) ? 'forged' : 'unknown_key';
    },
  };
}

function keyIdOf(publicKey: string): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
}

/** The kind is signed too, so that neither can stand for the other. */
const textOf = (kind: Kind, statement: object) => `countersign audit ${kind} ${canonicalJson(statement)}`;
