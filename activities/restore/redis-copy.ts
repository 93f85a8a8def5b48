// Redis as it was: its file is served by a Redis beside, whose keys are copied into the one that lives.
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Redis } from 'ioredis';
import { findRedis } from '../../ops/local/binaries/redis';
import { freePort } from '../../ops/local/ports';
import { launch } from '../../ops/local/server';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { Manifest } from '../backup/manifest';

const AT_ONCE = 500;

/** @returns how many keys there are then */
export async function copyRedis(
  { backups, encryption, settings }: RecoveryTools,
  part: NonNullable<Manifest['redis']>,
  tell: (done: number) => void,
): Promise<number> {
  const program = await findRedis();
  if (!program) throw new Error('redis-server is not installed: its file can only be read by one');
  if (!settings.REDIS_URL) return 0;
  const folder = mkdtempSync(join(tmpdir(), 'countersign-redis-'));
  try {
    await pipeline(
      await backups.get(part.key),
      encryption.decrypt(),
      createWriteStream(join(folder, 'dump.rdb'), { mode: 0o600 }),
    );
    const port = await freePort();
    // The same of its databases: others may be somebody else's.
    const live = new Redis(settings.REDIS_URL, { lazyConnect: true });
    const beside = new Redis({
      port,
      host: '127.0.0.1',
      db: live.options.db ?? 0,
      lazyConnect: true,
      retryStrategy: () => null,
    });
    beside.on('error', () => {});
    const server = await launch({
      name: 'Redis beside',
      url: `redis://127.0.0.1:${port}`,
      command: program,
      args: ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'no', '--save', ''],
      log: join(folder, 'server.log'),
      ready: async () => {
        await beside.connect().catch(() => {});
        return (await beside.ping()) === 'PONG';
      },
    });
    try {
      await live.flushdb();
      return await copyKeys(beside, live, tell);
    } finally {
      live.disconnect();
      beside.disconnect();
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function copyKeys(from: Redis, to: Redis, tell: (done: number) => void): Promise<number> {
  let copied = 0;
  for await (const keys of from.scanStream({ count: AT_ONCE }) as AsyncIterable<string[]>) {
    const read = from.pipeline();
    for (const key of keys) read.dumpBuffer(key).pttl(key);
    const answers = ((await read.exec()) ?? []).map(([, answer]) => answer);
    const write = to.pipeline();
    for (const [index, key] of keys.entries()) {
      const [content, left] = [answers[2 * index] as Buffer | null, answers[2 * index + 1] as number];
      // One that has run out meanwhile is gone.
      if (content && left !== -2) write.call('RESTORE', key, String(Math.max(left, 0)), content, 'REPLACE');
    }
    for (const [error] of (await write.exec()) ?? []) if (error) throw error;
    copied += keys.length;
    tell(copied);
  }
  return copied;
}
