// Starts one PostgreSQL, one Redis and one Temporal server for the run, and migrates the template database.
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startPostgres } from '../../ops/local/postgres';
import { startRedis } from '../../ops/local/redis';
import type { Server } from '../../ops/local/server';
import { startTemporal } from '../../ops/local/temporal';
import { createMigratedDatabase, onServer } from './database';
import { noteStart } from './leftovers.cjs';
import { keepSeed } from './seed-cluster';
import { announceServers } from './servers';

export interface RunningServers {
  folder: string;
  servers: Server[];
}

const TEMPLATE = 'countersign_template';

export default async function setUp(): Promise<void> {
  // test/run.mjs makes the folder, so that it can clean up after a run that was killed.
  const folder = process.env.COUNTERSIGN_TEST_FOLDER ?? mkdtempSync(join(tmpdir(), 'countersign-test-'));
  // PostgreSQL may run as another user, who must be able to pass.
  chmodSync(folder, 0o755);
  const running: RunningServers = { folder, servers: [] };
  Object.assign(globalThis, { countersignTestServers: running });
  const [postgres, redis, temporal] = (await Promise.all(
    [startSeeded, startRedis, startTemporal].map(async (start) => {
      const server = await start({ folder: join(folder, start.name) });
      running.servers.push(server);
      noteStart(folder, server.pid);
      return server;
    }),
  )) as [Server, Server, Server];
  announceServers({
    folder,
    postgres: postgres.url,
    template: TEMPLATE,
    redis: redis.url,
    temporal: temporal.url.replace(/^grpc:\/\//, ''),
  });
  // Nothing of this run must survive a crash of the machine.
  await onServer(postgres.url, 'ALTER SYSTEM SET fsync = off');
  await onServer(postgres.url, 'SELECT pg_reload_conf()');
}

/** PostgreSQL with the template, a copy of which is kept. */
async function startSeeded({ folder }: { folder: string }): Promise<Server> {
  const first = await startPostgres({ folder });
  try {
    await createMigratedDatabase(first.url, TEMPLATE);
  } finally {
    await first.stop();
  }
  keepSeed(dirname(folder), folder);
  return startPostgres({ folder });
}
