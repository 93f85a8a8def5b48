// Reads files raw as they lie on the disk (databases, append-only files, logs, mails), up to where each ended when it was
// opened, so that a log that grows does not hold the scan.
import { randomUUID } from 'node:crypto';
import { open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScanSource } from '../report';

const CHUNK = 1024 * 1024;
const DECOY = '.scan-decoy-';
/** Mails and logs; everything else may be a database's own. */
const TEXT = /\.(?:eml|eml\.part|log|txt)$/;
const MAIL = /\.eml(?:\.part)?$/;

export function createFilesSource(paths: string[]): ScanSource {
  return {
    name: 'files',
    async plant(decoy) {
      // A single file is a server's own, and its server's source plants there.
      const folders: string[] = [];
      for (const path of paths) if ((await stat(path).catch(nullIfGone))?.isDirectory()) folders.push(path);
      for (const folder of folders) await removeDecoys(folder);
      const planted = folders.map((folder) => join(folder, `${DECOY}${randomUUID()}.txt`));
      for (const path of planted) await writeFile(path, `to ${decoy}\n`);
      return {
        places: new Map(planted.map((path) => [path, 1])),
        items: planted.length,
        remove: async () => void (await Promise.all(planted.map((path) => rm(path, { force: true })))),
      };
    },
    async *read() {
      for (const path of paths) {
        const there = await stat(path).catch(nullIfGone);
        if (!there) throw missing(path);
        for await (const file of filesUnder(path))
          yield { place: file, chunks: contentOf(file), isBinary: !TEXT.test(file), isWritten: MAIL.test(file) };
      }
    },
  };
}

/** A scan that was cut off leaves its decoys behind. */
async function removeDecoys(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith(DECOY)) await rm(join(folder, name), { force: true });
}

async function* filesUnder(path: string): AsyncIterable<string> {
  const there = await stat(path).catch(nullIfGone);
  if (there?.isFile()) yield path;
  if (!there?.isDirectory()) return;
  const names = (await readdir(path).catch(nullIfGone)) ?? [];
  for (const name of names.sort()) yield* filesUnder(join(path, name));
}

async function* contentOf(path: string): AsyncIterable<Uint8Array> {
  const file = await open(path, 'r').catch(nullIfGone);
  if (!file) return;
  try {
    const { size } = await file.stat();
    for (let at = 0; at < size; ) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(CHUNK, size - at)), 0, undefined, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** The code goes into a history, the sentence into the log. */
const missing = (path: string) =>
  Object.assign(new Error(`SCAN_PATHS names ${path}, which does not exist`), { code: 'scan_path_missing' });

/** Logs are rotated, databases drop their files: what is gone holds nobody. */
function nullIfGone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}
