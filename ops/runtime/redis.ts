// Redis, which Countersign can do without: a command answers at once or fails at once, and never waits for a connection.
import { Redis } from 'ioredis';
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
