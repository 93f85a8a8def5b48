// The parts of a set that pgBackRest does not keep are encrypted here: AES-256-GCM, a key for each object from BACKUP_PASSPHRASE.
// An object: 16 random bytes, 12 of the nonce, what is encrypted, 16 of the tag.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, scryptSync } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';

const [SALT, NONCE, TAG] = [16, 12, 16];
const HEAD = SALT + NONCE;

export class WrongPassphrase extends Error {
  override name = 'WrongPassphrase';
  readonly code = 'wrong_passphrase';
  constructor() {
    super('It was encrypted with another BACKUP_PASSPHRASE, or is damaged');
  }
}

export interface Encryption {
  encrypt(): Transform;
  /** Fails with WrongPassphrase at its end: nothing that it gave counts before. */
  decrypt(): Transform;
}

export function createEncryption(passphrase: string): Encryption {
  let master: Buffer | null = null;
  // Slow once, so that a guess is dear; each object then has a key of its own.
  const masterKey = () => {
    master ??= scryptSync(passphrase, 'countersign backup', 32, { N: 2 ** 15, maxmem: 2 ** 26 });
    return master;
  };
  return encryptionWith(masterKey);
}

/** With a master key of 32 random bytes. */
export function encryptionWith(masterKey: () => Buffer): Encryption {
  const keyFor = (salt: Buffer) => Buffer.from(hkdfSync('sha256', masterKey(), salt, 'object', 32));
  return { encrypt: () => encrypting(keyFor), decrypt: () => decrypting(keyFor) };
}

function encrypting(keyFor: (salt: Buffer) => Buffer): Transform {
  const [salt, nonce] = [randomBytes(SALT), randomBytes(NONCE)];
  const cipher = createCipheriv('aes-256-gcm', keyFor(salt), nonce);
  let begun = false;
  const begin = (stream: Transform) => {
    if (!begun) stream.push(Buffer.concat([salt, nonce]));
    begun = true;
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      begin(this);
      done(null, cipher.update(chunk));
    },
    flush(done) {
      begin(this);
      done(null, Buffer.concat([cipher.final(), cipher.getAuthTag()]));
    },
  });
}

function decrypting(keyFor: (salt: Buffer) => Buffer): Transform {
  let decipher: ReturnType<typeof createDecipheriv> | null = null;
  /** Not yet passed on: the head at first, then always the last bytes, which may be the tag. */
  let kept = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      kept = Buffer.concat([kept, chunk]);
      if (!decipher && kept.length >= HEAD) {
        decipher = createDecipheriv('aes-256-gcm', keyFor(kept.subarray(0, SALT)), kept.subarray(SALT, HEAD));
        kept = kept.subarray(HEAD);
      }
      if (!decipher || kept.length <= TAG) return done();
      const ready = kept.subarray(0, kept.length - TAG);
      kept = kept.subarray(kept.length - TAG);
      done(null, decipher.update(ready));
    },
    flush(done) {
      try {
        if (!decipher || kept.length !== TAG) throw new WrongPassphrase();
        (decipher as unknown as { setAuthTag(tag: Buffer): void }).setAuthTag(kept);
        done(null, decipher.final());
      } catch {
        done(new WrongPassphrase());
      }
    },
  });
}
