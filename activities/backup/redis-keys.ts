// Writes our keys of Redis as one stream, and reads them from it. Redis may be shared: other tenants' keys are never read.
// A stream is one line that names the format, then one record a key: three lengths and times, the name, and what DUMP answered.
import type { Redis } from 'ioredis';
import { answersOf, REDIS_PREFIX } from '../../ops/runtime/redis';

/** A restore puts keys there before it renames them. They belong to no backup. */
export const STAGING = `${REDIS_PREFIX}restoring:`;

export interface DumpedKey {
  name: Buffer;
  /** Milliseconds since 1970 by the clock of Redis; 0 if it never expires. */
  expiresAt: number;
  /** What RESTORE takes. It has a checksum of its own, which RESTORE checks. */
  content: Buffer;
}

export class UnreadableKeys extends Error {
  override name = 'UnreadableKeys';
}

const FORMAT = Buffer.from('countersign redis keys 1\n');
/** Name's length (4 bytes), content's length (4), expiry (8). */
const HEAD = 16;
/** Redis takes no larger value. */
const LONGEST = 512 * 1024 * 1024;
const AT_ONCE = 100;

/** Yields the names of our keys, some hundred at a time. One may come twice, as SCAN gives it. */
export async function* ownNames(redis: Redis, match = `${REDIS_PREFIX}*`): AsyncIterable<Buffer[]> {
  for await (const names of redis.scanBufferStream({ match, count: AT_ONCE })) {
    if ((names as Buffer[]).length > 0) yield names as Buffer[];
  }
}

export const isStaged = (name: Buffer): boolean => name.subarray(0, STAGING.length).equals(Buffer.from(STAGING));

/** Yields a stream's pieces. `count` is called with how many keys each piece has. */
export async function* dumpKeys(redis: Redis, count: (keys: number) => void): AsyncIterable<Buffer> {
  yield FORMAT;
  for await (const found of ownNames(redis)) {
    const names = found.filter((name) => !isStaged(name));
    const pipeline = redis.pipeline().time();
    for (const name of names) pipeline.dumpBuffer(name).pttl(name);
    const [time, ...answers] = await answersOf(pipeline);
    const [seconds, micros] = (time as [string, string]).map(Number) as [number, number];
    const records = names.flatMap((name, index) => {
      const [content, left] = [answers[2 * index] as Buffer | null, answers[2 * index + 1] as number];
      // It expired between the two commands, or before.
      if (!content || left === -2) return [];
      const expiresAt = left < 0 ? 0 : seconds * 1_000 + Math.floor(micros / 1_000) + left;
      return [recordOf({ name, expiresAt, content })];
    });
    count(records.length);
    if (records.length > 0) yield Buffer.concat(records);
  }
}

/** Yields each key of a stream. Throws UnreadableKeys if it has another format or is cut off. */
export async function* readKeys(stream: AsyncIterable<Buffer>): AsyncIterable<DumpedKey> {
  const bytes = new Pieces(stream);
  try {
    const format = await bytes.take(FORMAT.length);
    if (!format?.equals(FORMAT)) throw new UnreadableKeys('It has the format of another release');
    for (let head = await bytes.take(HEAD); head; head = await bytes.take(HEAD)) yield await readKey(bytes, head);
  } finally {
    await bytes.close();
  }
}

async function readKey(bytes: Pieces, head: Buffer): Promise<DumpedKey> {
  const [nameLength, contentLength] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  if (nameLength > LONGEST || contentLength > LONGEST) throw new UnreadableKeys('It is damaged');
  const name = await bytes.take(nameLength);
  const content = await bytes.take(contentLength);
  if (!name || !content) throw new UnreadableKeys('It is cut off');
  return { name, content, expiresAt: Number(head.readBigUInt64BE(8)) };
}

function recordOf({ name, expiresAt, content }: DumpedKey): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(name.length, 0);
  head.writeUInt32BE(content.length, 4);
  head.writeBigUInt64BE(BigInt(expiresAt), 8);
  return Buffer.concat([head, name, content]);
}

/** Cuts a stream into pieces of wanted lengths. */
class Pieces {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);
  constructor(stream: AsyncIterable<Buffer>) {
    this.source = stream[Symbol.asyncIterator]();
  }

  /** Returns null at the end of the stream. Throws if it ends within the piece. */
  async take(length: number): Promise<Buffer | null> {
    if (this.rest.length < length && !(await this.fill(length))) return null;
    const piece = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return piece;
  }

  /** Returns false at the end of the stream. */
  private async fill(length: number): Promise<boolean> {
    const parts = [this.rest];
    for (let held = this.rest.length; held < length; ) {
      const { value, done } = await this.source.next();
      if (done && held === 0) return false;
      if (done) throw new UnreadableKeys('It is cut off');
      parts.push(value);
      held += value.length;
    }
    this.rest = Buffer.concat(parts);
    return true;
  }

  async close(): Promise<void> {
    await this.source.return?.();
  }
}
