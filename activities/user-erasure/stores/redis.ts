// Redis: keys of ours whose name or value mentions the person. Then its append-only file is written anew, since the old
// one repeats every value that ever was.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { REDIS_PREFIX } from '../../../ops/runtime/redis';
import type { Matcher } from '../../personal-data/matching/matcher';
import { isInName } from '../../personal-data/mentions';
import { NOTHING, type PersonalDataStore } from './store';

const POLL_MS = 100;
const REWRITTEN_WITHIN_MS = 10 * 60_000;

interface Entry {
  key: Buffer;
  value: string;
}

/** @param redis null where none is configured */
export function createRedisStore(redis: Redis | null, matcher: Pick<Matcher, 'areMentioned'>): PersonalDataStore {
  return {
    name: 'redis',
    async preview({ email }) {
      if (!redis) return NOTHING;
      return { ...NOTHING, erase: (await keysWith(redis, matcher, email)).length };
    },
    async purge({ email }, beat) {
      if (!redis) return NOTHING;
      const keys = await keysWith(redis, matcher, email, beat);
      for (const key of keys) await redis.del(key);
      await rewriteAppendOnlyFile(redis, beat);
      return { ...NOTHING, erase: keys.length };
    },
    async *export({ email }) {
      if (!redis) return;
      for await (const { key, value } of entriesThatMention(redis, matcher, email))
        yield { key: key.toString(), value };
    },
    async *texts() {
      if (redis) for await (const { key, value } of entries(redis)) yield `${key}\n${value}`;
    },
  };
}

async function keysWith(...given: Parameters<typeof entriesThatMention>): Promise<Buffer[]> {
  const keys: Buffer[] = [];
  for await (const { key } of entriesThatMention(...given)) keys.push(key);
  return keys;
}

async function* entriesThatMention(
  redis: Redis,
  matcher: Pick<Matcher, 'areMentioned'>,
  email: string,
  beat = () => {},
): AsyncIterable<Entry> {
  // A scan may give a key twice.
  const found = new Set<string>();
  for await (const entry of entries(redis, beat)) {
    const isNamed = isInName(entry.key.toString(), email);
    const [isInValue] = await matcher.areMentioned([entry.value], email, { isBinary: true });
    if (!(isNamed || isInValue) || found.has(entry.key.toString('hex'))) continue;
    found.add(entry.key.toString('hex'));
    yield entry;
  }
}

async function* entries(redis: Redis, beat = () => {}): AsyncIterable<Entry> {
  for await (const keys of redis.scanBufferStream({ match: `${REDIS_PREFIX}*`, count: 500 })) {
    for (const key of keys as Buffer[]) yield { key, value: await textOf(redis, key) };
    beat();
  }
}

async function textOf(redis: Redis, key: Buffer): Promise<string> {
  const type = await redis.type(key);
  if (type === 'string') return (await redis.getBuffer(key))?.toString() ?? '';
  if (type === 'hash') return lines(Object.entries(await redis.hgetall(key)).flat());
  if (type === 'list') return lines(await redis.lrange(key, 0, -1));
  if (type === 'set') return lines(await redis.smembers(key));
  if (type === 'zset') return lines(await redis.zrange(key, '0', '-1'));
  if (type === 'stream') return lines((await redis.xrange(key, '-', '+')).flatMap(([, fields]) => fields));
  return '';
}
const lines = (values: string[]) => values.join('\n');

async function rewriteAppendOnlyFile(redis: Redis, beat: () => void): Promise<void> {
  if ((await persistence(redis)).aof_enabled !== '1') return;
  // One that has begun before may still write what was deleted just now.
  do await untilIdle(redis, beat);
  while (!(await begin(redis)));
  await untilIdle(redis, beat);
  const { aof_last_bgrewrite_status: status } = await persistence(redis);
  if (status !== 'ok')
    throw Object.assign(new Error('Redis could not rewrite its file'), { code: 'redis_rewrite_failed' });
}

/** False where another erasure was first. */
async function begin(redis: Redis): Promise<boolean> {
  try {
    await redis.bgrewriteaof();
    return true;
  } catch (error) {
    if (/already in progress/.test((error as Error).message)) return false;
    throw error;
  }
}

async function untilIdle(redis: Redis, beat: () => void): Promise<void> {
  const deadline = Date.now() + REWRITTEN_WITHIN_MS;
  for (;;) {
    const { aof_rewrite_in_progress: running, aof_rewrite_scheduled: scheduled } = await persistence(redis);
    if (running !== '1' && scheduled !== '1') return;
    if (Date.now() > deadline) throw Object.assign(new Error('Redis still rewrites'), { code: 'redis_rewrite_slow' });
    beat();
    await delay(POLL_MS);
  }
}

async function persistence(redis: Redis): Promise<Record<string, string>> {
  const info = await redis.info('persistence');
  return Object.fromEntries(info.split(/\r?\n/).map((line) => line.split(':') as [string, string]));
}
