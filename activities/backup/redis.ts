// The part of Redis: one encrypted snapshot of all its databases.
import type { Redis } from 'ioredis';
import type { StoreTools } from '../../ops/recovery/tools';
import type { Attempt } from './attempt';
import { type Manifest, SETS } from './manifest';
import { createRdbCheck } from './rdb';
import { away, openSnapshot } from './redis-snapshot';
import { storeEncrypted } from './stored-object';

export type RedisPart = NonNullable<Manifest['redis']>;

/** @returns null where Countersign works without Redis */
export async function backUpRedis(
  tools: StoreTools,
  redis: Redis | null,
  setId: string,
  { signal, show }: Attempt,
): Promise<RedisPart | null> {
  const { REDIS_URL: url } = tools.settings;
  if (!redis || !url) return null;
  const keys = await redis.dbsize().catch(() => {
    throw away('it does not answer');
  });
  const { size: total, content } = await openSnapshot(url, signal);
  const check = createRdbCheck();
  let done = 0;
  const stored = await storeEncrypted(
    tools,
    `${SETS}${setId}/redis.rdb.enc`,
    content,
    signal,
    (chunk) => {
      check.see(chunk);
      done += chunk.length;
      show({ done, total, unit: 'bytes' });
    },
    check.end,
  );
  return { ...stored, keys };
}
