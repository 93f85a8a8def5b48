import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ATTACHMENT_LIMIT, FileTooLarge, receiveFile } from '../../activities/received-file';
import { newFolder } from '../support/environment';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

// Other test files receive files at the same time.
process.env.TMPDIR = newFolder('received');

const MIB = 1024 * 1024;
const streamOf = (...chunks: (string | Uint8Array)[]) =>
  Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  );
const typeOf = async (name: string, ...chunks: (string | Uint8Array)[]) => {
  const file = await receiveFile(streamOf(...chunks), name);
  await file.discard();
  return file.type;
};
const namedFiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith('countersign-received-'));
const openFiles = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('countersign-received-');
    } catch {
      return false;
    }
  });

describe('receiving a file', () => {
  it('counts and hashes it, and gives it back as often as asked', async () => {
    const bytes = randomBytes(200_000);
    const file = await receiveFile(streamOf(bytes.subarray(0, 70_001), bytes.subarray(70_001)), 'x');
    expect([file.size, file.sha256]).toEqual([200_000, createHash('sha256').update(bytes).digest('hex')]);
    expect((await buffer(file.read())).equals(bytes)).toBe(true);
    expect((await buffer(file.read())).equals(bytes)).toBe(true);
    await file.discard();
  });

  it('takes exactly the limit, and not one byte more', async () => {
    const file = await receiveFile(streamOf(Buffer.alloc(100), Buffer.alloc(28)), 'x', 128);
    expect(file.size).toBe(128);
    await file.discard();
    await expect(receiveFile(streamOf(Buffer.alloc(100), Buffer.alloc(29)), 'x', 128)).rejects.toThrow(FileTooLarge);
  });

  it('never holds it in memory', async () => {
    let high = 0;
    const before = process.memoryUsage().arrayBuffers;
    async function* chunks() {
      for (let sent = 0; sent < ATTACHMENT_LIMIT; sent += MIB / 16) {
        yield randomBytes(MIB / 16);
        if (sent % MIB) continue;
        collectGarbage();
        high = Math.max(high, process.memoryUsage().arrayBuffers - before);
      }
    }
    const file = await receiveFile(Readable.from(chunks(), { objectMode: false }), 'x');
    expect(file.size).toBe(ATTACHMENT_LIMIT);
    expect(high).toBeLessThan(2 * MIB);
    await file.discard();
  });

  it('has no name in the file system while it is there, and nothing of it is left after', async () => {
    const file = await receiveFile(streamOf('some text'), 'x');
    expect([namedFiles(), openFiles().length]).toEqual([[], 1]);
    await file.discard();
    expect(openFiles()).toEqual([]);
  });

  it('survives a source that fails before it is read', async () => {
    const source = new Readable({ read() {} });
    const receiving = receiveFile(source, 'x');
    source.destroy(new Error('gone at once'));
    await expect(receiving).rejects.toThrow('gone at once');
    expect(openFiles()).toEqual([]);
  });

  it('leaves nothing of an upload that is cut off or too large', async () => {
    const cut = async function* () {
      yield Buffer.alloc(MIB);
      throw new Error('the uploader went away');
    };
    await expect(receiveFile(Readable.from(cut()), 'x')).rejects.toThrow('the uploader went away');
    await expect(receiveFile(streamOf(Buffer.alloc(MIB)), 'x', MIB - 1)).rejects.toThrow(FileTooLarge);
    expect([namedFiles(), openFiles()]).toEqual([[], []]);
  });
});

describe('the type of a file', () => {
  it.each([
    ['image/png', 'photo.txt', '\x89PNG\r\n\x1a\n\0\0\0\rIHDR'],
    ['image/jpeg', 'page.html', '\xff\xd8\xff\xe0\0\x10JFIF\0'],
    ['application/zip', 'archive', 'PK\x03\x04\x14\0\0\0\b\0aaaaaaaaaaaaaaaaaaaaaaaa'],
    ['application/gzip', 'notes', '\x1f\x8b\b\0\0\0\0\0'],
    ['application/octet-stream', 'page.html', '\x01\x02\x03\xfe\xff'],
    ['application/octet-stream', 'noise.bin', '{\0\xfe\xff'],
    ['application/octet-stream', 'noise.bin', 'G\0\xfe\xff'],
    ['video/mp4', 'film.mp4', '\0\0\0\x18ftypmp42\0\0\0\0mp42isom'],
  ])('is %s by its bytes, whatever its name says', async (type, name, bytes) => {
    expect(await typeOf(name, Buffer.from(bytes, 'latin1'))).toBe(type);
  });

  it('follows the name only among formats that begin alike', async () => {
    const zip = Buffer.from('PK\x03\x04\x14\0\0\0\b\0aaaaaaaaaaaaaaaaaaaaaaaa', 'latin1');
    expect(await typeOf('Offer.DOCX', zip)).toBe(
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    );
    expect(await typeOf('offer.exe', zip)).toBe('application/zip');
  });

  it('is plain text for UTF-8, markup and a byte order mark included', async () => {
    expect(await typeOf('a.png', 'BM begins a bitmap too')).toBe('text/plain');
    expect(await typeOf('a.html', '<!DOCTYPE html><script>alert(1)</script>')).toBe('text/plain');
    expect(await typeOf('a.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>')).toBe('text/plain');
    expect(await typeOf('a.txt', Buffer.from([0xef, 0xbb, 0xbf, 0x61]))).toBe('text/plain');
    expect(await typeOf('empty')).toBe('text/plain');
    expect(await typeOf('a.pdf', '%PDF-1.7\nall ASCII')).toBe('application/pdf');
  });

  it('looks at a letter that is cut in two by the stream as one', async () => {
    const letter = Buffer.from('ä');
    expect(await typeOf('a', letter.subarray(0, 1), letter.subarray(1))).toBe('text/plain');
    expect(await typeOf('a', letter, letter.subarray(0, 1))).toBe('application/octet-stream');
  });

  it('is not plain text where a NUL or a foreign byte stands anywhere', async () => {
    expect(await typeOf('a', 'a'.repeat(100_000), '\0')).toBe('application/octet-stream');
    expect(await typeOf('a', 'a'.repeat(100_000), Buffer.from([0xff]))).toBe('application/octet-stream');
  });
});
