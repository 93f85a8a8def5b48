// Restores Redis: afterwards our keys are those of the set. Other tenants' keys and databases are never touched.
// Every key is staged under a name of its own first, so a set that Redis refuses changes nothing.
import { pipeline } from 'node:stream';
import type { Redis } from 'ioredis';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { answersOf, withRedis } from '../../ops/runtime/redis';
import type { Manifest } from '../backup/manifest';
import { type DumpedKey, isStaged, ownNames, readKeys, STAGING } from '../backup/redis-keys';
import { measure } from '../backup/stored-object';
import { refusal } from './refusal';

const AT_ONCE = 500;
const AT_ONCE_BYTES = 4 * 1024 * 1024;
const STAGED = `${STAGING}key:`;
/** A set of the names that the backup lacks. They are removed last, when all that it has is in place. */
const SURPLUS = `${STAGING}surplus`;

/** Returns how many keys the set had. Repeatable. */
export async function copyRedis(
  { backups, encryption, settings }: Pick<RecoveryTools, 'backups' | 'encryption' | 'settings'>,
  part: NonNullable<Manifest['redis']>,
  tell: (done: number) => void,
): Promise<number> {
  if (!settings.REDIS_URL) return 0;
  return withRedis(settings.REDIS_URL, async (redis) => {
    // An attempt that was killed has left them.
    await unstage(redis);
    try {
      if ((await measure({ backups }, part.key))?.sha256 !== part.sha256) {
        throw refusal('broken_backup', `${part.key} is missing, or is not what was written. Bring its version back.`);
      }
      const content = pipeline(await backups.get(part.key), encryption.decrypt(), () => {});
      const keys = await stage(redis, readKeys(content), tell);
      if (keys !== part.keys) throw new Error(`The set has ${part.keys} keys of Redis, and ${keys} were read`);
      await noteSurplus(redis);
      await putInPlace(redis);
      await removeSurplus(redis);
      return keys;
    } finally {
      await unstage(redis);
    }
  });
}

const stagedName = (name: Buffer) => Buffer.concat([Buffer.from(STAGED), name]);

async function stage(redis: Redis, keys: AsyncIterable<DumpedKey>, tell: (done: number) => void): Promise<number> {
  let [done, waiting, bytes] = [0, redis.pipeline(), 0];
  const write = async () => {
    done += waiting.length;
    await answersOf(waiting);
    [waiting, bytes] = [redis.pipeline(), 0];
    tell(done);
  };
  for await (const { name, expiresAt, content } of keys) {
    waiting.call('RESTORE', stagedName(name), String(expiresAt), content, 'REPLACE', 'ABSTTL');
    bytes += content.length;
    if (waiting.length >= AT_ONCE || bytes >= AT_ONCE_BYTES) await write();
  }
  await write();
  return done;
}

/** Writes down which of our keys the set lacks, while those that it has can still be told by their staged twins. */
async function noteSurplus(redis: Redis): Promise<void> {
  for await (const found of ownNames(redis)) {
    const names = found.filter((name) => !isStaged(name));
    const asked = redis.pipeline();
    for (const name of names) asked.exists(stagedName(name));
    const twins = await answersOf(asked);
    const surplus = names.filter((_, index) => twins[index] === 0);
    if (surplus.length > 0) await redis.sadd(SURPLUS, ...surplus);
  }
}

async function putInPlace(redis: Redis): Promise<void> {
  for await (const staged of ownNames(redis, `${STAGED}*`)) {
    const renames = redis.pipeline();
    for (const name of staged) renames.rename(name, name.subarray(STAGED.length));
    for (const [error] of (await renames.exec()) ?? []) {
      // SCAN has given it twice, or it has expired since it was staged.
      if (error && !/no such key/.test(error.message)) throw error;
    }
  }
}

async function removeSurplus(redis: Redis): Promise<void> {
  for (;;) {
    const names = (await redis.spopBuffer(SURPLUS, AT_ONCE)) as Buffer[];
    if (names.length === 0) return;
    await redis.unlink(...names);
  }
}

async function unstage(redis: Redis): Promise<void> {
  for await (const names of ownNames(redis, `${STAGING}*`)) await redis.unlink(...names);
}
