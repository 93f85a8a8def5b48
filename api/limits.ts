// How often a client may ask. Counted in Redis for all processes together; with Redis away each counts for itself.
import { createHmac } from 'node:crypto';
import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import type { Redis } from 'ioredis';
import { type RedisReply, RedisStore } from 'rate-limit-redis';
import { REDIS_PREFIX } from '../ops/runtime/redis';
import { Problem } from './problems';

const WINDOW = { windowMs: 60_000 } as Options;
const AUTH_ATTEMPTS = 11;
const CLIENT_REQUESTS = 300;
/** After Redis did not answer in time, nobody waits for it again so soon. */
const PAUSE_MS = 1_000;

export interface LimitOptions {
  redis: Redis | null;
  keyRequestsPerMinute: number;
  /** Makes client addresses unreadable before they are kept anywhere. */
  secret: Buffer;
}

export function createLimits({ redis, keyRequestsPerMinute, secret }: LimitOptions) {
  const counter = (name: string, most: number) => createCounter(redis, name, most);
  const auth = counter('auth', AUTH_ATTEMPTS);
  const adminToken = counter('admin-token', AUTH_ATTEMPTS);
  const client = counter('client', CLIENT_REQUESTS);
  const key = counter('key', keyRequestsPerMinute);
  const clientOf = ({ ip }: { ip?: string | undefined }) =>
    createHmac('sha256', secret)
      .update(ipKeyGenerator(ip ?? ''))
      .digest('base64url')
      .slice(0, 22);
  return {
    auth: (request: { ip?: string | undefined }) => auth(clientOf(request)),
    adminToken: (request: { ip?: string | undefined }) => adminToken(clientOf(request)),
    client: (request: { ip?: string | undefined }) => client(clientOf(request)),
    key,
  };
}

export type Limits = ReturnType<typeof createLimits>;

/** Throws the problem where this is one too many. */
function createCounter(redis: Redis | null, name: string, most: number): (key: string) => Promise<void> {
  const memory = new MemoryStore();
  memory.init(WINDOW);
  const shared = redis && createSharedStore(redis, name);

  return async (key) => {
    const { totalHits, resetTime } = (await shared?.(key)) ?? (await memory.increment(key));
    if (totalHits <= most) return;
    const seconds = Math.max(1, Math.ceil(((resetTime?.getTime() ?? 0) - Date.now()) / 1000));
    throw new Problem('too-many-requests', `Try again in ${seconds} s.`, {
      headers: { 'Retry-After': String(seconds) },
    });
  };
}

/** Null where Redis does not answer. */
function createSharedStore(redis: Redis, name: string) {
  const store = new RedisStore({
    prefix: `${REDIS_PREFIX}limit:${name}:`,
    sendCommand: (command: string, ...args: string[]) => redis.call(command, ...args) as Promise<RedisReply>,
  });
  let usable = false;
  let pausedUntil = 0;
  const prepare = () =>
    store.init(WINDOW).then(
      () => {
        usable = true;
      },
      () => {},
    );
  // Its scripts are gone when Redis was.
  redis.on('ready', prepare);
  redis.on('close', () => {
    usable = false;
  });
  if (redis.status === 'ready') void prepare();

  return async (key: string) => {
    if (!usable || Date.now() < pausedUntil) return null;
    try {
      return await store.increment(key);
    } catch {
      pausedUntil = Date.now() + PAUSE_MS;
      return null;
    }
  };
}
