// The parts of a set that lie beside the repository: each is read whole and compared with the manifest, and each file that
// they name with its hash.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { ObjectNotFound } from '../../ops/runtime/object-store';
import { WrongPassphrase } from '../backup/encryption';
import { type FileEntry, readIndex } from '../backup/file-index';
import type { Manifest } from '../backup/manifest';
import { readKeys, UnreadableKeys } from '../backup/redis-keys';
import { sideBySide } from '../backup/side-by-side';
import { measure } from '../backup/stored-object';
import { refusal } from './refusal';

type Tools = Pick<RecoveryTools, 'backups' | 'encryption'>;

const AT_A_TIME = 8;
const OTHER_SET = 'Name another set, or bring an older version of the object back.';

export async function checkParts(
  tools: Tools,
  manifest: Manifest,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const { backups, encryption } = tools;
  for (const part of [manifest.redis, manifest.files]) {
    if (!part) continue;
    const found = await measure(tools, part.key);
    if (found?.sha256 !== part.sha256) {
      throw refusal(
        'broken_backup',
        `The set ${manifest.id} is damaged: ${part.key} ${found ? 'is not what was written' : 'is missing'}. ${OTHER_SET}`,
      );
    }
    // Whole, so only the passphrase can be another.
    const read = async (reader: (source: AsyncIterable<Buffer>) => Promise<void>) =>
      pipeline(await backups.get(part.key), encryption.decrypt(), reader, { signal });
    try {
      await read(drain);
      if (part === manifest.redis) await read((source) => drain(readKeys(source)));
    } catch (error) {
      if (error instanceof UnreadableKeys) {
        throw refusal('other_format', `${part.key} can't be restored. ${error.message}. Name another set.`);
      }
      if (!(error instanceof WrongPassphrase)) throw error;
      throw refusal(
        'wrong_passphrase',
        `The set ${manifest.id} was encrypted with another BACKUP_PASSPHRASE: set that one.`,
      );
    }
  }
  if (!manifest.files) return;
  const { files } = await readIndex(tools, manifest.files);
  await sideBySide(files, AT_A_TIME, (file) => checkFile(tools, manifest.id, file, signal), signal);
}

/** Which of them the restored database names is known once it is there; by then none may turn out to be damaged. */
async function checkFile(
  { backups, encryption }: Tools,
  setId: string,
  { key, sha256 }: FileEntry,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256');
  try {
    const read = async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) hash.update(chunk);
    };
    await pipeline(await backups.get(key), encryption.decrypt(), read, { signal });
    if (hash.digest('hex') === sha256) return;
  } catch (error) {
    if (error instanceof ObjectNotFound) {
      throw refusal('broken_backup', `The set ${setId} is damaged: its file ${key} is missing. ${OTHER_SET}`);
    }
    if (!(error instanceof WrongPassphrase)) throw error;
  }
  throw refusal('broken_backup', `The set ${setId} is damaged: its file ${key} is not what was written. ${OTHER_SET}`);
}

async function drain(source: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of source);
}
