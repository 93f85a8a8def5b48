// Makes and checks signatures that anyone can verify with the public key, made with a key derived from SECRET_KEY.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson, ifCanonical } from './canonical-json';
import { deriveSecrets } from './secrets';

export interface Signed {
  /** Ed25519, in base64. */
  signature: string;
  /** Raw, in base64. */
  publicKey: string;
}

/**
 * What a signature is worth to this process. `unknown_key`: it names a key that is not in this process's SECRET_KEY. That happens
 * while a key is being rotated, and a forger can write it too, so it is neither evidence of tampering nor ever counted as genuine.
 */
export type Standing = 'genuine' | 'unknown_key' | 'forged';

export interface Signer {
  /** Of every key of SECRET_KEY, raw, in base64; the first signs. */
  publicKeys: string[];
  sign(content: string): Signed;
  /** Returns `forged` also if the signature does not hold for the unknown key that it names. */
  check(content: string, signed: Signed): Standing;
}

/** What PKCS #8 puts before the 32 bytes of an Ed25519 key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

export function createSigner(keys: readonly Buffer[], purpose: string): Signer {
  const own = deriveSecrets(keys, purpose).map((seed) =>
    createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' }),
  );
  const publicKeys = own.map(rawPublicKey);
  return {
    publicKeys,
    sign: (content) => ({
      signature: sign(null, Buffer.from(content), own[0] as KeyObject).toString('base64'),
      publicKey: publicKeys[0] as string,
    }),
    check(content, { signature, publicKey }) {
      if (!isPublicKey(publicKey) || !isSignedBy(publicKey, content, signature)) return 'forged';
      return publicKeys.includes(publicKey) ? 'genuine' : 'unknown_key';
    },
  };
}

/** Signs the value in its canonical form. Throws NotCanonical if it has none. */
export const signJson = (signer: Signer, value: unknown): Signed => signer.sign(canonicalJson(value));

/** Checks the value in its canonical form. Returns `forged` if it has none. */
export const checkJson = (signer: Signer, value: unknown, signed: Signed): Standing =>
  ifCanonical(() => signer.check(canonicalJson(value), signed), 'forged');

/** Returns whether this is 32 bytes in base64, in the one spelling that we write. */
export function isPublicKey(text: string): boolean {
  const raw = Buffer.from(text, 'base64');
  return raw.length === 32 && raw.toString('base64') === text;
}

/** Returns whether the key has signed the content. For a verifier that has the public key alone. */
export function isSignedBy(publicKey: string, content: string, signature: string | Uint8Array): boolean {
  const x = Buffer.from(publicKey, 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(
    null,
    Buffer.from(content),
    key,
    typeof signature === 'string' ? Buffer.from(signature, 'base64') : signature,
  );
}

function rawPublicKey(key: KeyObject): string {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return Buffer.from(x, 'base64url').toString('base64');
}
