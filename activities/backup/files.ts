// The part of files: attachments, the local mailbox, the configuration. Files never change once written, so one that a set
// has is known by its name and size, and is not read again.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { StoreTools } from '../../ops/recovery/tools';
import { nullIfNoObject } from '../../ops/runtime/object-store';
import { EXPORTS } from '../person-export/removal';
import type { Attempt } from './attempt';
import { collectSizes } from './collect-sizes';
import { withoutSecrets } from './configuration';
import { FILES, type FileEntry, type FileIndex, type FilesPart, readIndex, writeIndex } from './file-index';
import type { Manifest } from './manifest';
import { sideBySide } from './side-by-side';
import { ENCRYPTION_BYTES, measure, storeEncrypted } from './stored-object';

const AT_A_TIME = 8;

interface LiveFile {
  store: FileEntry['store'];
  name: string;
  size: number;
  open(): Promise<Readable>;
}

export interface StoredFiles {
  part: FilesPart;
  /** Bytes that this set added. */
  stored: number;
}

/** @param sets all that there are, the oldest first */
export async function backUpFiles(
  tools: StoreTools,
  sets: readonly Manifest[],
  setId: string,
  { signal, show }: Attempt,
): Promise<StoredFiles> {
  const before = await readNewestIndex(tools, sets);
  const isLost = !before && sets.some((set) => set.files);
  const known = new Map(before?.index.files.map((entry) => [entry.key, entry]));
  const existing = await collectSizes(tools.backups, FILES);
  const live = await listLive(tools);
  const files: FileEntry[] = [];
  let [done, stored] = [0, 0];
  const keep = async (file: LiveFile) => {
    const key = keyOf(file);
    const entry = known.get(key) ?? knownByName(file, key);
    const isThere = entry && existing.get(key) === entry.size + ENCRYPTION_BYTES;
    const kept = isThere ? entry : await store(tools, file, key, signal);
    if (kept) files.push(kept);
    if (kept && !isThere) stored += kept.size + ENCRYPTION_BYTES;
    show({ done: ++done, total: live.length, unit: 'files' });
  };
  await sideBySide(live, AT_A_TIME, keep, signal);

  files.sort((a, b) => (a.key < b.key ? -1 : 1));
  const index: FileIndex = { configuration: withoutSecrets(tools.settings), files, gone: [] };
  index.gone = goneSince(before ?? (isLost ? unknown(sets, existing) : null), files, sets[0]?.id ?? setId);
  const object = await writeIndex(tools, setId, index, signal);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return { part: { ...object, files: files.length, bytes }, stored: stored + object.size };
}

/** Says nothing of what is in it. */
const keyOf = ({ store, name, size }: Pick<LiveFile, 'store' | 'name' | 'size'>) =>
  FILES + createHash('sha256').update(`${store}/${name}\n${size}`).digest('hex');

/** An attachment's name ends with the hash of its content, so that one which a cut off attempt has stored is not stored again. */
function knownByName({ store, name, size }: LiveFile, key: string): FileEntry | null {
  const sha256 = store === 'files' ? /(?:^|\/)([0-9a-f]{64})$/.exec(name)?.[1] : undefined;
  return sha256 ? { store, name, size, sha256, key } : null;
}

async function listLive({ files, settings }: StoreTools): Promise<LiveFile[]> {
  const live: LiveFile[] = [];
  for await (const { key: name, size } of files.sizes('')) {
    // A copy of what is backed up anyhow, which ends in a day.
    if (name.startsWith(EXPORTS)) continue;
    live.push({ store: 'files', name, size, open: () => files.get(name) });
  }
  const folder = settings.MAILBOX_PATH;
  for (const name of folder ? ((await readdir(folder).catch(nullIfGone)) ?? []) : []) {
    const path = join(folder as string, name);
    const found = name.endsWith('.eml') ? await stat(path).catch(nullIfGone) : null;
    if (found) live.push({ store: 'mailbox', name, size: found.size, open: async () => createReadStream(path) });
  }
  return live;
}

/** @returns null where it is gone since it was listed: an erasure, a sweep */
async function store(tools: StoreTools, file: LiveFile, key: string, signal: AbortSignal): Promise<FileEntry | null> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    const content = await file.open();
    await storeEncrypted(tools, key, content, signal, (chunk) => {
      size += chunk.length;
      hash.update(chunk);
    });
  } catch (error) {
    return nullIfGone(error);
  }
  return { store: file.store, name: file.name, size, sha256: hash.digest('hex'), key };
}

interface KnownIndex {
  setId: string;
  index: FileIndex;
}

/** The newest that can be read: what only a damaged one names is lost with it. */
async function readNewestIndex(tools: StoreTools, sets: readonly Manifest[]): Promise<KnownIndex | null> {
  for (const { id, files } of sets.toReversed()) {
    if (!files) continue;
    const found = await measure(tools, files.key);
    if (found?.sha256 !== files.sha256) continue;
    return { setId: id, index: await readIndex(tools, files) };
  }
  return null;
}

/** Where no list can be read any more, all that lies there stays as long as the newest set does. */
function unknown(sets: readonly Manifest[], existing: Map<string, number>): KnownIndex {
  const last = sets.at(-1)?.id ?? '';
  const gone = [...existing.keys()].map((key) => ({ key, last }));
  return { setId: last, index: { configuration: {}, files: [], gone } };
}

function goneSince(before: KnownIndex | null, files: FileEntry[], oldestSet: string): FileIndex['gone'] {
  if (!before) return [];
  const named = new Set(files.map(({ key }) => key));
  const left = before.index.files.map(({ key }) => ({ key, last: before.setId }));
  return [...before.index.gone, ...left].filter(({ key, last }) => last >= oldestSet && !named.has(key));
}

function nullIfGone(error: unknown): null {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : nullIfNoObject(error);
}
