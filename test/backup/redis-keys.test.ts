// Backs up and restores our keys in a Redis that other tenants use too.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import { createEncryption } from '../../activities/backup/encryption';
import { backUpRedis, type RedisPart } from '../../activities/backup/redis';
import { readKeys, UnreadableKeys } from '../../activities/backup/redis-keys';
import { copyRedis } from '../../activities/restore/redis-copy';
import { startRedis } from '../../ops/local/redis';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { openObjectStore } from '../../ops/runtime/object-store';
import { collect } from '../support/collect';
import { newFolder } from '../support/environment';
import { OwnServer } from '../support/own-server';

const ATTEMPT = { signal: new AbortController().signal, show: () => {} };
const HOUR_MS = 3_600_000;
const BINARY = Buffer.from('countersign:\xff\x00\r\n', 'latin1');
const encryption = createEncryption('a passphrase');

let server: OwnServer;
/** Redis as its owner sees it, and as Countersign may use it: no key of another tenant. */
let redis: Redis;
let elsewhere: Redis;
let ownUrl: string;

beforeAll(async () => {
  server = await OwnServer.start(startRedis, 'redis');
  [redis, elsewhere] = [new Redis(server.url), new Redis(server.url, { db: 3 })];
  ownUrl = await allow('countersign', '+@all', '-flushdb', '-flushall', '-sync', '-psync');
});
afterAll(async () => {
  redis?.disconnect();
  elsewhere?.disconnect();
  await server?.stop();
});
beforeEach(async () => {
  await redis.flushall();
  await redis.mset('countersign', 'no key of ours', 'shop:1', 'another tenant', 'countersigned:1', 'a third');
  await elsewhere.mset('countersign:limit', 'of another installation', 'shop:2', 'another tenant');
});

/** Returns the URL of a user who may touch our keys alone. */
async function allow(name: string, ...rules: string[]): Promise<string> {
  await redis.acl('SETUSER', name, 'reset', 'on', '>a password', '~countersign:*', ...rules);
  const url = new URL(server.url);
  [url.username, url.password] = [name, 'a password'];
  return url.href;
}

function toolsFor(url = ownUrl): RecoveryTools {
  const backups = openObjectStore(`file://${newFolder('backup')}`);
  return { backups, encryption, settings: { REDIS_URL: url } } as unknown as RecoveryTools;
}
const backUp = async (tools: RecoveryTools) => (await backUpRedis(tools, '20260101T000000Z', ATTEMPT)) as RedisPart;
const restore = (tools: RecoveryTools, part: RedisPart) => copyRedis(tools, part, () => {});

/** Everything that Redis holds in both databases. */
async function all(): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const db of [redis, elsewhere]) {
    for (const key of (await db.keysBuffer('*')).sort(Buffer.compare)) {
      found[`${db.options.db}/${key.toString('latin1')}`] = (await db.dumpBuffer(key))?.toString('hex');
    }
  }
  return found;
}

async function writeAllTypes(): Promise<void> {
  await redis.set('countersign:limit:client:a', '7', 'PX', HOUR_MS);
  await redis.set(BINARY, BINARY);
  await redis.hset('countersign:hash', { a: '1', b: '2' });
  await redis.rpush('countersign:list', 'x', 'y');
  await redis.sadd('countersign:set', 'x');
  await redis.zadd('countersign:zset', 1, 'x');
  await redis.xadd('countersign:stream', '1-1', 'field', 'value');
}

test('a backup holds our keys alone, and a restore brings them back and leaves all others', async () => {
  await writeAllTypes();
  const before = await all();
  const tools = toolsFor();
  const part = await backUp(tools);
  expect(part.keys).toBe(7);
  const stored = await buffer((await tools.backups.get(part.key)).pipe(encryption.decrypt()));
  for (const other of ['shop', 'countersigned', 'tenant', 'installation']) expect(stored.includes(other)).toBe(false);

  await redis.del('countersign:hash', BINARY);
  await redis.set('countersign:limit:client:a', '9');
  await redis.set('countersign:later', 'made after the backup');
  await redis.set('shop:3', 'made after the backup');
  await elsewhere.set('shop:4', 'made after the backup');
  expect(await restore(tools, part)).toBe(7);
  const after = await all();
  expect(after).toEqual({ ...before, '0/shop:3': expect.any(String), '3/shop:4': expect.any(String) });
  expect(await redis.pttl('countersign:limit:client:a')).toBeGreaterThan(HOUR_MS / 2);
  expect(await redis.pttl('countersign:limit:client:a')).toBeLessThanOrEqual(HOUR_MS);
  expect(await redis.pttl('countersign:hash')).toBe(-1);
  // Repeatable.
  expect(await restore(tools, part)).toBe(7);
  expect(await all()).toEqual(after);
});

test('a key that has expired since its backup does not come back', async () => {
  await redis.set('countersign:short', '1', 'PX', 50);
  const tools = toolsFor();
  const part = await backUp(tools);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await redis.set('countersign:short', 'a later one');
  await restore(tools, part);
  expect(await redis.exists('countersign:short')).toBe(0);
});

describe('a restore that fails changes nothing', () => {
  let tools: RecoveryTools;
  let part: RedisPart;
  let before: Record<string, unknown>;

  beforeEach(async () => {
    await writeAllTypes();
    tools = toolsFor();
    part = await backUp(tools);
    await redis.set('countersign:later', 'made after the backup');
    await redis.del('countersign:hash');
    before = await all();
  });

  /** The same set with other content, encrypted and named soundly. */
  async function rewritten(change: (content: Buffer) => Buffer): Promise<RedisPart> {
    const content = await buffer((await tools.backups.get(part.key)).pipe(encryption.decrypt()));
    const stored = await buffer(Readable.from([change(content)]).pipe(encryption.encrypt()));
    await tools.backups.put(part.key, stored, { type: 'application/octet-stream' });
    return { ...part, sha256: createHash('sha256').update(stored).digest('hex') };
  }

  test('if the last key is none that Redis takes', async () => {
    // The end of the stream is the checksum of the last content.
    const damaged = await rewritten((content) => {
      content[content.length - 1] = (content[content.length - 1] ?? 0) ^ 1;
      return content;
    });
    await expect(restore(tools, damaged)).rejects.toThrow(/payload version or checksum/);
    expect(await all()).toEqual(before);
  });

  test('if the object is another, or is cut off, or is of an older release', async () => {
    const other = await rewritten((content) => content.subarray(0, -1));
    await expect(restore(tools, part)).rejects.toMatchObject({ type: 'broken_backup' });
    await expect(restore(tools, other)).rejects.toThrow('cut off');
    const rdb = await rewritten(() => Buffer.from('REDIS0010 and what else a snapshot holds'));
    await expect(restore(tools, rdb)).rejects.toThrow(UnreadableKeys);
    expect(await all()).toEqual(before);
  });

  test('if Redis refuses to put the staged keys in place', async () => {
    const url = await allow('unable', '+@all', '-rename');
    await expect(restore({ ...tools, settings: { REDIS_URL: url } } as RecoveryTools, part)).rejects.toThrow('NOPERM');
    expect(await all()).toEqual(before);
  });

  test('if a worker was killed as it staged them: neither a backup nor the next restore holds them', async () => {
    await redis.set('countersign:restoring:key:countersign:left', 'by a killed worker');
    expect((await backUp(toolsFor())).keys).toBe(7);
    await restore(tools, part);
    expect(await redis.keys('countersign:restoring:*')).toEqual([]);
    expect(await redis.exists('countersign:left', 'countersign:later')).toBe(0);
  });
});

test('fifty thousand keys go and come in pieces', async () => {
  const COUNT = 50_000;
  const written = redis.pipeline();
  for (let i = 0; i < COUNT; i++) written.set(`countersign:${i}`, `value ${i}`);
  await written.exec();
  const tools = toolsFor();
  const part = await backUp(tools);
  expect(part.keys).toBeGreaterThanOrEqual(COUNT);
  await redis.flushall();
  await restore(tools, part);
  expect(await redis.dbsize()).toBe(COUNT);
  expect(await redis.get('countersign:49999')).toBe('value 49999');
});

test('a stream is read in whatever pieces it comes', async () => {
  await writeAllTypes();
  const tools = toolsFor();
  const { key } = await backUp(tools);
  const content = await buffer((await tools.backups.get(key)).pipe(encryption.decrypt()));
  const read = (size: number) => {
    const pieces = Array.from({ length: Math.ceil(content.length / size) }, (_, at) =>
      content.subarray(at * size, (at + 1) * size),
    );
    return collect(readKeys(Readable.from(pieces)));
  };
  const whole = await read(content.length);
  expect(whole).toHaveLength(7);
  for (const size of [1, 7, 100]) expect(await read(size)).toEqual(whole);
  for (const end of [0, 10, content.length - 1]) {
    await expect(collect(readKeys(Readable.from([content.subarray(0, end)])))).rejects.toThrow(UnreadableKeys);
  }
});

test('a wrong password, a refusal and nobody there are told apart', async () => {
  const code = (url: string) => backUp(toolsFor(url)).catch((error) => error.code);
  expect(await code(ownUrl.replace('a%20password', 'wrong'))).toBe('redis_refused');
  await redis.set('countersign:a', '1');
  expect(await code(await allow('reader', '+@read', '+info', '-dump'))).toBe('redis_refused');
  expect(await code('redis://127.0.0.1:1')).toBe('redis_away');
});
