// Redis's snapshot, as a replica asks for it, and whether it is whole.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import { createRdbCheck } from '../../activities/backup/rdb';
import { openSnapshot } from '../../activities/backup/redis-snapshot';
import { startRedis } from '../../ops/local/redis';
import { newFolder } from '../support/environment';
import { OwnServer } from '../support/own-server';

const NEVER = new AbortController().signal;
let server: OwnServer;
let url: string;
let redis: Redis;

beforeAll(async () => {
  server = await OwnServer.start(startRedis, 'redis');
  redis = new Redis(server.url);
  await redis.acl('SETUSER', 'saver', 'on', '>a password', '+@all', '~*');
  await redis.config('SET', 'requirepass', 'a secret');
  redis.disconnect();
  const address = new URL(server.url);
  [address.username, address.password] = ['saver', 'a password'];
  url = address.href;
  redis = new Redis(url);
  const pipeline = redis.pipeline();
  for (let i = 0; i < 50_000; i++) pipeline.set(`countersign:${i}`, `value ${i}`);
  await pipeline.exec();
});
afterAll(async () => {
  redis?.disconnect();
  await server?.stop();
});

const isWhole = (content: Buffer, pieces = 1) => {
  const check = createRdbCheck();
  const size = Math.ceil(content.length / pieces) || 1;
  for (let at = 0; at < content.length; at += size) check.see(content.subarray(at, at + size));
  check.end();
};

test('it comes whole at once, of the length that was told, and Redis’s own program finds it sound', async () => {
  const began = Date.now();
  const { size, content } = await openSnapshot(url, NEVER);
  const snapshot = await buffer(content);
  expect(snapshot.length).toBe(size);
  expect(Date.now() - began).toBeLessThan(4_000);
  for (const pieces of [1, 3, 1_000, snapshot.length]) isWhole(snapshot, pieces);
  const file = join(newFolder('rdb'), 'dump.rdb');
  writeFileSync(file, snapshot);
  expect(execFileSync('redis-check-rdb', [file], { encoding: 'utf8' })).toContain('RDB looks OK');
});

test('one flipped bit anywhere, and a cut, are seen', async () => {
  const snapshot = await buffer((await openSnapshot(url, NEVER)).content);
  for (const at of [3, 20, snapshot.length >> 1, snapshot.length - 9, snapshot.length - 1]) {
    const damaged = Buffer.from(snapshot);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(() => isWhole(damaged)).toThrow(/snapshot/);
  }
  expect(() => isWhole(snapshot.subarray(0, -1))).toThrow('cut off');
  expect(() => isWhole(Buffer.alloc(0))).toThrow('no snapshot');
});

test('a wrong password, a refusal and nobody there are told apart', async () => {
  await expect(openSnapshot(url.replace('a%20password', 'wrong'), NEVER)).rejects.toMatchObject({
    code: 'redis_refused',
  });
  await redis.acl('SETUSER', 'reader', 'on', '>a password', '+@read', '~*');
  await expect(openSnapshot(url.replace('saver', 'reader'), NEVER)).rejects.toMatchObject({ code: 'redis_refused' });
  await expect(openSnapshot('redis://127.0.0.1:1', NEVER)).rejects.toMatchObject({ code: 'redis_away' });
});
