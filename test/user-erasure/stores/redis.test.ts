// Redis as a store of personal data: its keys, and the file that repeats them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createMatcher } from '../../../activities/personal-data/matching/matcher';
import { createRedisStore } from '../../../activities/user-erasure/stores/redis';
import { startRedis } from '../../../ops/local/redis';
import { REDIS_PREFIX } from '../../../ops/runtime/redis';
import { collect } from '../../support/collect';
import { OwnServer } from '../../support/own-server';
import { until } from '../../support/until';
import { person } from './person';

const EMAIL = 'ada@example.org';
const matcher = createMatcher();
afterAll(() => matcher.close());
const ADA = person(EMAIL);
const OTHERS = ['xada@example.org', 'ada@example.org.uk'];
const own = (name: string) => `${REDIS_PREFIX}${name}`;
const nothing = { erase: 0, anonymise: 0, withhold: 0, ground: null };

let server: OwnServer;
let redis: Redis;
beforeAll(async () => {
  server = await OwnServer.start(startRedis, 'own-redis');
  redis = new Redis(server.url);
});
afterEach(() => redis.flushall());
afterAll(async () => {
  await redis?.quit();
  await server?.stop();
});

const file = () =>
  readdirSync(join(server.folder, 'appendonlydir'))
    .map((name) => readFileSync(join(server.folder, 'appendonlydir', name), 'latin1'))
    .join('\n');

async function fill(): Promise<void> {
  await redis.set(own('text'), `{"to":"${EMAIL}"}`);
  await redis.set(own('base64'), Buffer.from(`to ${EMAIL}`).toString('base64'));
  await redis.set(own(`limit:mail-${EMAIL}`), '1');
  await redis.hset(own('hash'), 'field', EMAIL);
  await redis.rpush(own('list'), 'one', EMAIL);
  await redis.sadd(own('set'), EMAIL);
  await redis.zadd(own('sorted'), 1, EMAIL);
  await redis.xadd(own('stream'), '*', 'to', EMAIL);
  await redis.set(own('others'), OTHERS.join(' '));
  await redis.hset(own('hash of others'), 'field', OTHERS[0] as string);
  await redis.set(`somebody-else:${EMAIL}`, EMAIL);
}
const SURVIVORS = [own('others'), own('hash of others'), `somebody-else:${EMAIL}`].sort();

it('counts and exports what mentions the person by name or value, and deletes that alone', async () => {
  await fill();
  const store = createRedisStore(redis, matcher);
  expect(await store.preview(ADA)).toEqual({ ...nothing, erase: 8 });
  const exported = (await collect(store.export(ADA))) as { key: string; value: string }[];
  expect(exported.map(({ key }) => key).sort()).toEqual(
    ['base64', 'hash', `limit:mail-${EMAIL}`, 'list', 'set', 'sorted', 'stream', 'text'].map(own).sort(),
  );
  expect(await store.purge(ADA, () => {})).toEqual({ ...nothing, erase: 8 });
  expect((await redis.keys('*')).sort()).toEqual(SURVIVORS);
  expect(await store.preview(ADA)).toEqual(nothing);
  expect(await collect(store.export(ADA))).toEqual([]);
});

it('writes its file anew, so that what was deleted before is gone from it too', async () => {
  await redis.set(own('gone already'), `{"to":"${EMAIL}"}`);
  await redis.del(own('gone already'));
  await redis.set(own('others'), OTHERS.join(' '));
  expect(file()).toContain(`"${EMAIL}"`);
  // One that has begun before counts for nothing.
  await redis.bgrewriteaof();
  let beats = 0;
  await createRedisStore(redis, matcher).purge(ADA, () => {
    beats += 1;
  });
  expect(file()).not.toContain(`"${EMAIL}"`);
  expect(beats).toBeGreaterThan(0);
  expect(await redis.get(own('others'))).toBe(OTHERS.join(' '));
});

it('is erased in by many at once, and each waits for the file of its own', async () => {
  const others = Array.from({ length: 5 }, () => redis.duplicate());
  const purges = others.map((own) => createRedisStore(own, matcher).purge(ADA, () => {}));
  expect(await Promise.all(purges)).toEqual(others.map(() => nothing));
  await Promise.all(others.map((own) => own.quit()));
});

it('leaves the file alone where there is none', async () => {
  await redis.config('SET', 'appendonly', 'no');
  await redis.set(own('text'), EMAIL);
  expect(await createRedisStore(redis, matcher).purge(ADA, () => {})).toEqual({ ...nothing, erase: 1 });
  await redis.config('SET', 'appendonly', 'yes');
  // Until then it refuses to stop.
  await until('its first file is whole', async () =>
    (await redis.info('persistence')).includes('aof_rewrite_in_progress:0'),
  );
});

it('that is not configured holds nothing', async () => {
  const store = createRedisStore(null, matcher);
  expect([await store.preview(ADA), await store.purge(ADA, () => {}), await collect(store.export(ADA))]).toEqual([
    nothing,
    nothing,
    [],
  ]);
});
