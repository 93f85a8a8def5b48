// The parts of a set that lie beside the repository: each is read whole and compared with the manifest.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { ObjectNotFound, type ObjectStore } from '../../ops/runtime/object-store';
import { WrongPassphrase } from '../backup/encryption';
import type { Manifest } from '../backup/manifest';
import { refusal } from './refusal';

export async function checkParts(
  { backups, encryption }: Pick<RecoveryTools, 'backups' | 'encryption'>,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<void> {
  for (const part of [manifest.redis, manifest.files]) {
    if (!part) continue;
    const read = await hashObject(backups, part.key, signal);
    if (read?.sha256 !== part.sha256) {
      throw refusal(
        'broken_backup',
        `The set ${manifest.id} is damaged: ${part.key} ${read ? 'is not what was written' : 'is missing'}.`,
      );
    }
    // Whole, so only the passphrase can be another.
    try {
      await pipeline(await backups.get(part.key), encryption.decrypt(), drain, { signal });
    } catch (error) {
      if (!(error instanceof WrongPassphrase)) throw error;
      throw refusal(
        'wrong_passphrase',
        `The set ${manifest.id} was encrypted with another BACKUP_PASSPHRASE: set that one.`,
      );
    }
  }
}

/** Of the object as it is stored; null where there is none. */
export async function hashObject(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<{ sha256: string; size: number } | null> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of await store.get(key)) {
      signal?.throwIfAborted();
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
    }
    return { sha256: hash.digest('hex'), size };
  } catch (error) {
    if (error instanceof ObjectNotFound) return null;
    throw error;
  }
}

async function drain(source: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of source);
}
