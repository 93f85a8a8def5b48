// An attachment's bytes, held to the hash that was approved: whatever the file store has become, nothing else is sent.
import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { attachmentKey } from '../attachments';

export class ContentChanged extends Error {
  override name = 'ContentChanged';
}

/** Streams; throws ContentChanged before its end where the bytes are others, ObjectNotFound where there are none. */
export async function* streamAttachment(files: Pick<ObjectStore, 'get'>, sha256: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  // The last chunk is held back until the whole is known, so that a message never ends with wrong bytes.
  let held: Buffer | null = null;
  for await (const chunk of (await files.get(attachmentKey(sha256))) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  if (hash.digest('hex') !== sha256) throw new ContentChanged();
  if (held) yield held;
}

/** To its end, as it will be sent. */
export async function readAttachment(files: Pick<ObjectStore, 'get'>, sha256: string): Promise<void> {
  for await (const _ of streamAttachment(files, sha256));
}
