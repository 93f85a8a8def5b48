// The object of an export: written and read as a stream, encrypted with a key of its own.
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { encryptionWith } from '../backup/encryption';
import { exportKey } from './removal';

const encryptionOf = (key: string) => encryptionWith(() => Buffer.from(key, 'base64'));

export interface ExportObject {
  id: string;
  object: string;
  key: string;
}

/** Holds a piece at a time. @returns the bytes of the document */
export async function putDocument(
  files: ObjectStore,
  { id, object, key }: ExportObject,
  pieces: AsyncIterable<string>,
): Promise<number> {
  let size = 0;
  async function* measured(): AsyncIterable<Buffer> {
    for await (const piece of pieces) {
      const bytes = Buffer.from(piece);
      size += bytes.length;
      yield bytes;
    }
  }
  const encrypted = encryptionOf(key).encrypt();
  const work = [files.put(exportKey(id, object), encrypted), pipeline(measured, encrypted)];
  // Waits for both, even if one fails: nothing may write to the store after this has returned.
  for (const done of await Promise.allSettled(work)) if (done.status === 'rejected') throw done.reason;
  return size;
}

/** Throws ObjectNotFound. The caller reads it to its end, since only then it is known to be genuine, or destroys it. */
export async function getDocument(files: ObjectStore, { id, object, key }: ExportObject): Promise<Readable> {
  const encrypted = await files.get(exportKey(id, object));
  const document = encryptionOf(key).decrypt();
  // What fails on the way destroys both: the reader sees it.
  pipeline(encrypted, document).catch(() => {});
  return document;
}
