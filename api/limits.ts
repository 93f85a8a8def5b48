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

interface Client {
  ip?: string | undefined;
}

export interface LimitOptions {
  redis: Redis | null;
  keyRequestsPerMinute: number;
  /** Makes client addresses unreadable before they are kept anywhere. */
  secret: Buffer;
}

export function createLimits({ redis, keyRequestsPerMinute, secret }: LimitOptions) {
  const counter = (name: string, most: number) => createCounter(redis, name, most);
  const auth = counter('auth', AUTH_ATTEMPTS);
  const adminToken = createGuessLimit(counter('admin-token', AUTH_ATTEMPTS), AUTH_ATTEMPTS);
  const client = counter('client', CLIENT_REQUESTS);
  const key = counter('key', keyRequestsPerMinute);
  const clientOf = ({ ip }: Client) =>
    createHmac('sha256', secret)
      .update(ipKeyGenerator(ip ?? ''))
      .digest('base64url')
      .slice(0, 22);
  return {
    auth: (request: Client) => auth.count(clientOf(request)),
    /** Returns whether the token is right. Throws, and compares nothing, once the client has used up its wrong ones. */
    adminToken: (request: Client, isRight: () => boolean) => adminToken(clientOf(request), isRight),
    client: (request: Client) => client.count(clientOf(request)),
    key: key.count,
  };
}

export type Limits = ReturnType<typeof createLimits>;

interface Counter {
  /** Throws the problem if this is one too many. */
  count(key: string): Promise<void>;
  /** Throws the problem if the next one would be too many, and counts nothing. */
  assertLeft(key: string): Promise<void>;
}

function createCounter(redis: Redis | null, name: string, most: number): Counter {
  const memory = new MemoryStore();
  memory.init(WINDOW);
  const shared = redis && createSharedStore(redis, name);
  return {
    async count(key) {
      const { totalHits, resetTime } = (await shared?.increment(key)) ?? (await memory.increment(key));
      if (totalHits > most) throw tooMany(resetTime);
    },
    async assertLeft(key) {
      const found = (await shared?.get(key)) ?? (await memory.get(key));
      if (found && found.totalHits >= most) throw tooMany(found.resetTime);
    },
  };
}

/**
 * Lets a client guess so often in a window. Requests that arrive together pass the shared counter together, so each process also
 * counts without a pause between the comparison and the count.
 */
function createGuessLimit(counter: Counter, most: number) {
  const wrong = new Map<string, number>();
  let ends = 0;
  return async (key: string, isRight: () => boolean): Promise<boolean> => {
    await counter.assertLeft(key);
    if (Date.now() >= ends) {
      wrong.clear();
      ends = Date.now() + WINDOW.windowMs;
    }
    const before = wrong.get(key) ?? 0;
    if (before >= most) throw tooMany(new Date(ends));
    if (isRight()) return true;
    wrong.set(key, before + 1);
    await counter.count(key);
    return false;
  };
}

function tooMany(resetTime: Date | undefined): Problem {
  const seconds = Math.max(1, Math.ceil(((resetTime?.getTime() ?? 0) - Date.now()) / 1000));
  return new Problem('too-many-requests', `Try again in ${seconds} s.`, {
    headers: { 'Retry-After': String(seconds) },
  });
}

/** Each returns null if Redis does not answer. */
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

  async function ask<T>(question: () => Promise<T>): Promise<T | null> {
    if (!usable || Date.now() < pausedUntil) return null;
    try {
      return await question();
    } catch {
      pausedUntil = Date.now() + PAUSE_MS;
      return null;
    }
  }
  return {
    increment: (key: string) => ask(() => store.increment(key)),
    get: (key: string) => ask(() => store.get(key)),
  };
}
