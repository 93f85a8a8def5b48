// A person, as Countersign tells people apart: by an address in its normal form, kept as keyed hashes wherever it outlasts
// the person's data. One hash for each key of SECRET_KEY, so that what was hashed before a rotation is still found.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { domainToASCII, domainToUnicode } from 'node:url';
import { deriveSecrets } from '../../ops/runtime/secrets';

type Bytes = Uint8Array<ArrayBuffer>;

/** One address and nothing around it. */
export const isBareAddress = (value: string): boolean => /^[^\s@]+@[^\s@]+$/.test(value);

/** Lower case, the domain as DNS writes it. */
export function normaliseAddress(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = domainToASCII(address.slice(at + 1).trim()) || address.slice(at + 1).trim();
  return `${address.slice(0, at).trim()}@${domain}`.normalize('NFC').toLowerCase();
}

/** Of a normal address: as it may stand in lower case, with its domain in either script. */
export function formsOf(normal: string): string[] {
  const at = normal.lastIndexOf('@');
  return [...new Set([normal, `${normal.slice(0, at)}@${domainToUnicode(normal.slice(at + 1))}`])];
}

export interface Subjects {
  /** The active key's hash first. */
  hashesOf(address: string): Bytes[];
  /** The secrets that they are made with, for who hashes many (`hashNormal`). */
  hashingKeys: readonly Uint8Array[];
  /** What only Countersign reads again, with any of its keys. */
  seal(value: unknown): Bytes;
  unseal<T>(sealed: Uint8Array): T;
}

/** @param normal an address in its normal form */
export const hashNormal = (key: Uint8Array, normal: string): Bytes =>
  Uint8Array.from(createHmac('sha256', key).update(normal).digest());

const IV_BYTES = 12;
const TAG_BYTES = 16;

export function createSubjects(keys: readonly Buffer[]): Subjects {
  const hashing = deriveSecrets(keys, 'subjects');
  const sealing = deriveSecrets(keys, 'sealed subjects');

  function tryUnseal(key: Buffer, sealed: Uint8Array): string | null {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES));
    decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      const text = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString();
    } catch {
      return null;
    }
  }

  return {
    hashesOf(address) {
      const normal = normaliseAddress(address);
      return hashing.map((key) => hashNormal(key, normal));
    },
    hashingKeys: hashing,
    seal(value) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealing[0] as Buffer, iv);
      const text = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
      return Uint8Array.from(Buffer.concat([iv, cipher.getAuthTag(), text]));
    },
    unseal(sealed) {
      for (const key of sealing) {
        const text = tryUnseal(key, sealed);
        if (text !== null) return JSON.parse(text);
      }
      throw new Error('It was sealed with a key that SECRET_KEY no longer holds');
    },
  };
}
