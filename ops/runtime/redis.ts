// Connects to Redis, which Countersign can do without: a request's command answers or fails at once and never waits for a connection.
import { type ChainableCommander, Redis } from 'ioredis';
import type { Logger } from './logging';

/** Every key of ours begins with it; Redis may be shared. */
export const REDIS_PREFIX = 'countersign:';

const ANSWERS_WITHIN_MS = 250;
const LONGEST_PAUSE_MS = 1_000;

export function connectRedis(url: string, logger: Logger): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: ANSWERS_WITHIN_MS,
    connectTimeout: 2_000,
    retryStrategy: (times) => Math.min(times * 100, LONGEST_PAUSE_MS),
  });
  // Told once for each time that it goes away, not for each attempt to reach it.
  let isAway = false;
  redis.on('error', (err) => {
    if (isAway) return;
    isAway = true;
    logger.warn({ err }, 'Redis is away');
  });
  redis.on('ready', () => {
    if (isAway) logger.info('Redis is back');
    isAway = false;
  });
  return redis;
}

/** Connects for work that waits for its answers, as a request of the API must not. Throws why it could not connect. */
export async function openRedis(url: string): Promise<Redis> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  let cause: Error | null = null;
  redis.on('error', (error) => {
    cause = error;
  });
  // By itself it says only that the connection is closed.
  await redis.connect().catch((error) => {
    throw cause ?? error;
  });
  return redis;
}

export async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = await openRedis(url);
  return work(redis).finally(() => redis.disconnect());
}

/** Runs the commands of a pipeline, and returns their answers in order. Throws the first error that one of them answered. */
export async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}
