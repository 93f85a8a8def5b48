// A database of its own for each test file: a copy of the migrated template, dropped afterwards.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { createDatabase, type Database } from '../../prisma/client';
import { testServers } from './servers';
import { until } from './until';

export interface TestDatabase {
  url: string;
  db: Database;
  pool: pg.Pool;
  /** Fails where the test file left a connection open. */
  drop(): Promise<void>;
}

/** Small, so that many test files share one server's connections. */
export const SMALL_POOL = {
  DB_POOL_SIZE: 1,
  DB_POOL_OVERFLOW: 9,
  DB_POOL_TIMEOUT_SECONDS: 20,
  DB_POOL_RECYCLE_SECONDS: 3600,
};

export async function createTestDatabase(): Promise<TestDatabase> {
  const { postgres, template } = testServers();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = databaseUrl(postgres, name);
  const { db, pool, close } = createDatabase({ ...SMALL_POOL, DATABASE_URL: url });
  return {
    url,
    db,
    pool,
    async drop() {
      await close();
      // Backends of connections just closed need a moment to go.
      const left = await until(
        'the test file closes its connections',
        async () => ((await connectionsTo(name)) === 0 ? ('none' as const) : null),
        5_000,
      ).catch((error: Error) => error);
      await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
      if (left !== 'none') throw left;
    },
  };
}

export function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function connectionsTo(name: string): Promise<number> {
  const { rows } = await onServer(`SELECT count(*)::int AS open FROM pg_stat_activity WHERE datname = '${name}'`);
  return rows[0].open;
}

async function onServer(statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: databaseUrl(testServers().postgres, 'postgres') });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}
