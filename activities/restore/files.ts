// Files of the set that are gone: attachments that the restored database names, and, where there is none, the local mailbox.
import { createWriteStream, mkdirSync, readdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { StoreTools } from '../../ops/recovery/tools';
import type { Database } from '../../prisma/client';
import type { StepBeat } from '../../workflows/contracts/recovery-progress';
import { attachmentKey } from '../attachments';
import { type FileEntry, readIndex } from '../backup/file-index';
import type { Manifest } from '../backup/manifest';

/** @returns how many were put back. What is there is left as it is: names say what is in a file */
export async function putFilesBack(
  tools: StoreTools,
  part: NonNullable<Manifest['files']>,
  db: Database,
  beat: (beat: StepBeat) => void,
): Promise<number> {
  const { files } = await readIndex(tools, part);
  const named = await db.attachment.findMany({ distinct: ['sha256'], select: { sha256: true } });
  const wanted = new Set(named.map(({ sha256 }) => attachmentKey(sha256)));
  const mailbox = emptyMailbox(tools);
  const candidates = files.filter(({ store, name }) => (store === 'files' ? wanted.has(name) : mailbox !== null));
  let restored = 0;
  for (const [index, file] of candidates.entries()) {
    if (file.store === 'mailbox') restored += await putMailBack(tools, file, mailbox as string);
    else if (!(await tools.files.has(file.name))) restored += await putAttachmentBack(tools, file);
    beat({ done: index + 1, total: candidates.length, unit: 'files' });
  }
  return restored;
}

async function putAttachmentBack({ files, backups, encryption }: StoreTools, { name, key }: FileEntry): Promise<1> {
  const content = encryption.decrypt();
  await Promise.all([pipeline(await backups.get(key), content), files.put(name, content)]);
  return 1;
}

async function putMailBack({ backups, encryption }: StoreTools, { name, key }: FileEntry, folder: string): Promise<1> {
  const fresh = join(folder, `.${name}.restored`);
  await pipeline(await backups.get(key), encryption.decrypt(), createWriteStream(fresh, { mode: 0o600 }));
  await rename(fresh, join(folder, name));
  return 1;
}

/** Null where there is none here, or it holds mail. */
function emptyMailbox({ settings }: StoreTools): string | null {
  const folder = settings.MAILBOX_PATH;
  if (!folder) return null;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return readdirSync(folder).some((name) => name.endsWith('.eml')) ? null : folder;
}
