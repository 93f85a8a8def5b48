// Objects of a set: encrypted on their way, counted and hashed as they are stored.
import { createHash } from 'node:crypto';
import { pipeline, type Readable, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline as finish } from 'node:stream/promises';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { ObjectNotFound } from '../../ops/runtime/object-store';

type Tools = Pick<RecoveryTools, 'backups' | 'encryption'>;

export interface StoredObject {
  key: string;
  /** Of what is stored, which is encrypted. */
  size: number;
  sha256: string;
}

/** What encryption adds to any content. */
export const ENCRYPTION_BYTES = 44;

/** @param seen is told each piece before it is encrypted, and may throw */
export async function storeEncrypted(
  { backups, encryption }: Tools,
  key: string,
  source: Readable,
  signal: AbortSignal,
  seen: (chunk: Buffer) => void = () => {},
  whole: () => void = () => {},
): Promise<StoredObject> {
  const hash = createHash('sha256');
  let size = 0;
  const watch = through(seen, whole);
  const meter = through((chunk) => {
    size += chunk.length;
    hash.update(chunk);
  });
  // Whatever fails in between fails the last of them, and the put tells.
  finish(source, watch, encryption.encrypt(), meter, { signal }).catch(() => {});
  await backups.put(key, meter, { type: 'application/octet-stream' });
  return { key, size, sha256: hash.digest('hex') };
}

/** @returns null where it is not there */
export async function measure(
  { backups }: Pick<Tools, 'backups'>,
  key: string,
): Promise<Omit<StoredObject, 'key'> | null> {
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of await backups.get(key)) {
      size += (chunk as Buffer).length;
      hash.update(chunk as Buffer);
    }
    return { size, sha256: hash.digest('hex') };
  } catch (error) {
    if (error instanceof ObjectNotFound) return null;
    throw error;
  }
}

/** Throws WrongPassphrase, ObjectNotFound. */
export async function readEncrypted({ backups, encryption }: Tools, key: string): Promise<Buffer> {
  const source = await backups.get(key);
  return buffer(pipeline(source, encryption.decrypt(), () => {}));
}

function through(seen: (chunk: Buffer) => void, whole: () => void = () => {}): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        seen(chunk);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      try {
        whole();
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
}
