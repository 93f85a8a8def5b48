// What a mail gives its recipient to unsubscribe with: the keyed hash of their address, signed. It holds no address, needs
// no row, and works as long as its key is one of SECRET_KEY.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveSecrets } from '../../ops/runtime/secrets';

const HASH_BYTES = 32;
const MAC_BYTES = 16;
/** 48 bytes are 64 characters, without padding: one token has one spelling. */
const FORM = /^[\w-]{64}$/;

export function createUnsubscribeTokens(keys: readonly Buffer[]) {
  const signing = deriveSecrets(keys, 'unsubscribe');
  const sign = (key: Buffer, hash: Uint8Array) =>
    createHmac('sha256', key).update(hash).digest().subarray(0, MAC_BYTES);

  return {
    tokenFor: (hash: Uint8Array) => Buffer.concat([hash, sign(signing[0] as Buffer, hash)]).toString('base64url'),

    /** Null where it is none of ours. */
    hashIn(token: string): Uint8Array<ArrayBuffer> | null {
      if (!FORM.test(token)) return null;
      const bytes = Buffer.from(token, 'base64url');
      const [hash, mac] = [bytes.subarray(0, HASH_BYTES), bytes.subarray(HASH_BYTES)];
      const isOurs = signing.map((key) => timingSafeEqual(mac, sign(key, hash))).includes(true);
      return isOurs ? Uint8Array.from(hash) : null;
    },
  };
}
