// Anchors and checkpoints are signed (Ed25519) with a key derived from SECRET_KEY, so that who only verifies needs no
// more than the public key.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { deriveSecrets } from '../../ops/runtime/secrets';
import { toCanonicalJson } from './canonical';

/** What precedes 32 bytes of a key in DER, as RFC 8410 has it. */
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC = Buffer.from('302a300506032b6570032100', 'hex');

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
  const seeds = deriveSecrets(secretKeys, 'audit');
  const keys = seeds.map((seed) =>
    createPrivateKey({ key: Buffer.concat([PRIVATE, seed]), format: 'der', type: 'pkcs8' }),
  );
  const [active] = keys as [KeyObject];
  const publicKeys = keys.map(toRaw);
  return {
    keyId: keyIdOf(publicKeys[0] as string),
    publicKeys,
    sign: (kind, statement) => sign(null, textOf(kind, statement), active),
    ...createVerifier(publicKeys),
  };
}

/** @param publicKeys 32 bytes each, in base64; throws where one is not */
export function createVerifier(publicKeys: readonly string[]): Verifier {
  const keys = publicKeys.map((one) => {
    const raw = Buffer.from(one, 'base64');
    if (raw.length !== 32) throw new TypeError('A public key is 32 bytes in base64.');
    return createPublicKey({ key: Buffer.concat([PUBLIC, raw]), format: 'der', type: 'spki' });
  });
  return {
    verifies: (kind, statement, signature) => keys.some((key) => verify(null, textOf(kind, statement), key, signature)),
  };
}

/** The kind is signed too, so that neither can stand for the other. */
const textOf = (kind: Kind, statement: object) =>
  Buffer.from(`countersign audit ${kind} ${toCanonicalJson(statement)}`);
const toRaw = (key: KeyObject) =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(PUBLIC.length).toString('base64');
const keyIdOf = (publicKey: string) => createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
