// Objects as files in a folder. A new one is written beside, synced, and renamed into its place.
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { ObjectNotFound, ObjectStoreError } from './errors';
import { checkKey, checkPrefix } from './key';
import type { ObjectStore } from './object-store';

/** A file has no other; S3 gives this name to what was put into a bucket without versions. */
const ONLY_VERSION = 'null';

export function openFileStore(url: URL): ObjectStore {
  const root = fileURLToPath(url);
  const incoming = join(root, '.incoming');
  const fileOf = (key: string) => join(root, checkKey(key));

  async function* list(prefix: string, after = ''): AsyncIterable<string> {
    const folder = checkPrefix(prefix).slice(0, prefix.lastIndexOf('/') + 1);
    for await (const key of walk(root, folder, prefix)) if (key > after) yield key;
  }

  return {
    async put(key, content) {
      const target = fileOf(key);
      const written = join(incoming, randomUUID());
      const source = content instanceof Readable ? content : Readable.from([content], { objectMode: false });
      // Where one end of a pipeline fails, the other is destroyed with the same error: the first to tell is the cause.
      let failed: 'source' | 'file' | undefined;
      source.once('error', () => {
        failed ??= 'source';
      });
      try {
        await mkdir(incoming, { recursive: true, mode: 0o700 });
        const file = await open(written, 'wx', 0o600);
        const sink = file.createWriteStream({ flush: true });
        sink.once('error', () => {
          failed ??= 'file';
        });
        await pipeline(source, sink);
        await ensureFolder(dirname(target));
        await rename(written, target);
        await sync(dirname(target));
      } catch (error) {
        source.destroy();
        // A folder that is gone must not hide why.
        await rm(written, { force: true }).catch(() => {});
        throw failed === 'source' ? error : storeError(error);
      }
    },

    async get(key, version = ONLY_VERSION) {
      const path = fileOf(key);
      if (version !== ONLY_VERSION) throw new ObjectNotFound();
      let file: FileHandle | undefined;
      try {
        file = await open(path, 'r');
        if (!(await file.stat()).isFile()) throw new ObjectNotFound();
        return file.createReadStream();
      } catch (error) {
        await file?.close();
        throw isAbsent(error) ? new ObjectNotFound() : storeError(error);
      }
    },

    async has(key) {
      try {
        return (await stat(fileOf(key))).isFile();
      } catch (error) {
        if (isAbsent(error)) return false;
        throw storeError(error);
      }
    },

    async delete(key) {
      const target = fileOf(key);
      try {
        await rm(target);
        await sync(dirname(target));
      } catch (error) {
        if (!isAbsent(error)) throw storeError(error);
      }
    },

    list,

    async *sizes(prefix) {
      for await (const key of list(prefix)) {
        const found = await stat(fileOf(key)).catch((error) => {
          if (isAbsent(error)) return null;
          throw storeError(error);
        });
        if (found) yield { key, size: found.size };
      }
    },

    async *versions(prefix) {
      for await (const key of list(prefix)) yield { key, version: ONLY_VERSION };
    },

    async tidy(before) {
      for (const name of await readdir(incoming).catch(() => [])) {
        const file = join(incoming, name);
        const age = await stat(file).catch(() => null);
        if (age && age.mtime < before) await rm(file, { force: true });
      }
    },
  };
}

/** Makes the folder's own name durable, and those of the folders above it that are new too. */
async function ensureFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await sync(dirname(made));
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* walk(root: string, folder: string, prefix: string): AsyncIterable<string> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error) => {
    if (isAbsent(error)) return [];
    throw storeError(error);
  });
  const keys = entries.map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`);
  for (const key of keys.filter((one) => !one.startsWith('.')).sort((a, b) => (a < b ? -1 : 1))) {
    if (key.endsWith('/')) {
      if (key.startsWith(prefix) || prefix.startsWith(key)) yield* walk(root, key, prefix);
    } else if (key.startsWith(prefix)) {
      yield key;
    }
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code;
/** A name below a file is not there either; neither is an object at a folder. */
const isAbsent = (error: unknown) =>
  error instanceof ObjectNotFound || ['ENOENT', 'ENOTDIR', 'EISDIR', 'ERR_FS_EISDIR'].includes(codeOf(error) ?? '');
const storeError = (error: unknown) =>
  error instanceof TypeError ? error : new ObjectStoreError(codeOf(error) ?? 'unknown');
