// Backs up Redis: our keys of our database, encrypted.
import { Readable } from 'node:stream';
import type { StoreTools } from '../../ops/recovery/tools';
import { openRedis } from '../../ops/runtime/redis';
import type { Attempt } from './attempt';
import { type Manifest, SETS } from './manifest';
import { dumpKeys } from './redis-keys';
import { storeEncrypted } from './stored-object';
import { StepTrouble } from './troubles';

export type RedisPart = NonNullable<Manifest['redis']>;

/** Returns null if Countersign works without Redis. Throws StepTrouble with `redis_away` or `redis_refused`. */
export async function backUpRedis(
  tools: StoreTools,
  setId: string,
  { signal, show }: Attempt,
): Promise<RedisPart | null> {
  const { REDIS_URL: url } = tools.settings;
  if (!url) return null;
  const redis = await openRedis(url).catch(toTrouble);
  try {
    let keys = 0;
    const content = Readable.from(
      dumpOrTrouble(() =>
        dumpKeys(redis, (more) => {
          keys += more;
          show({ done: keys, total: null, unit: 'rows' });
        }),
      ),
      { objectMode: false },
    );
    const stored = await storeEncrypted(tools, `${SETS}${setId}/redis-keys.enc`, content, signal);
    return { ...stored, keys };
  } finally {
    redis.disconnect();
  }
}

/** A failure of the store is another trouble. */
async function* dumpOrTrouble(dump: () => AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  try {
    yield* dump();
  } catch (error) {
    toTrouble(error);
  }
}

function toTrouble(error: unknown): never {
  const { name, message, code } = error as NodeJS.ErrnoException;
  if (name === 'ReplyError')
    throw new StepTrouble('redis_refused', `Redis (REDIS_URL) refuses: ${message.slice(0, 100)}`);
  throw new StepTrouble(
    'redis_away',
    `Redis (REDIS_URL) can't be backed up: ${code ?? name}. Start it, or leave --redis out`,
  );
}
