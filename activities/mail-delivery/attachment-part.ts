// Writes an attachment as a part of its mail.
import { pipeline, Readable } from 'node:stream';
import { Encoder } from 'nodemailer/lib/base64';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { AttachmentView } from '../commands/draft-view';
import { streamAttachment } from './attachment-content';
import { encodeOldParameter, encodeParameter, field } from './header-fields';

/** Streams its fields and its bytes, which are read only then. Throws what `streamAttachment` does. */
export async function* streamPart(
  files: Pick<ObjectStore, 'get'>,
  { name, type, sha256 }: AttachmentView,
): AsyncGenerator<Buffer> {
  const head = [
    field('Content-Type', `${type}; ${encodeOldParameter('name', name)}`),
    field('Content-Disposition', `attachment; ${encodeParameter('filename', name)}`),
    'Content-Transfer-Encoding: base64',
  ];
  yield Buffer.from(`${head.join('\r\n')}\r\n\r\n`);
  const encoder = new Encoder();
  // A failure of the source ends the encoder with it.
  pipeline(Readable.from(streamAttachment(files, sha256)), encoder, () => {});
  yield* encoder;
}
