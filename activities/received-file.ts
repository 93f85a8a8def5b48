// A file on its way in: counted, hashed and looked at while it streams into a temporary file that has no name any more,
// so that nothing is left of it however this process ends.
import { createHash, randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { sniffType } from './sniff-type';

export const ATTACHMENT_LIMIT = 10 * 1024 * 1024;
/** Enough for every signature: a tar's stands at 257, an ISO image's at 32769. */
const HEAD_BYTES = 4096;

export class FileTooLarge extends Error {
  override name = 'FileTooLarge';
}

export interface ReceivedFile {
  size: number;
  sha256: string;
  type: string;
  /** From the start, each time. */
  read(): Readable;
  discard(): Promise<void>;
}

/** @throws FileTooLarge, or the stream's own error; nothing is left behind either way. */
export async function receiveFile(source: Readable, name: string, limit = ATTACHMENT_LIMIT): Promise<ReceivedFile> {
  // It may fail before it is read; reading it then tells.
  source.on('error', () => {});
  const path = join(tmpdir(), `countersign-received-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await rm(path);
    const hash = createHash('sha256');
    const text = new TextWatch();
    let head = Buffer.alloc(0);
    let size = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (size + chunk.length > limit) throw new FileTooLarge('The file is too large.');
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
      hash.update(chunk);
      text.see(chunk);
      for (let at = 0; at < chunk.length; )
        at += (await file.write(chunk, at, chunk.length - at, size + at)).bytesWritten;
      size += chunk.length;
    }
    return {
      size,
      sha256: hash.digest('hex'),
      type: sniffType(head, text.end(), name),
      read: () => Readable.from(readFrom(file, size), { objectMode: false }),
      discard: () => file.close(),
    };
  } catch (error) {
    source.destroy();
    await file.close();
    throw error;
  }
}

type FileHandle = Awaited<ReturnType<typeof open>>;

async function* readFrom(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(64 * 1024), 0, undefined, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Whether everything seen is UTF-8 without a NUL. */
class TextWatch {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private holds = true;

  see(chunk: Buffer): void {
    this.holds &&= !chunk.includes(0) && this.decodes(() => this.decoder.decode(chunk, { stream: true }));
  }
  end(): boolean {
    return this.holds && this.decodes(() => this.decoder.decode());
  }
  private decodes(decode: () => string): boolean {
    try {
      decode();
      return true;
    } catch {
      return false;
    }
  }
}
