// A database of its own for each test file: a copy of the migrated template, dropped afterwards.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { ensureDatabase } from '../../ops/local/database';
import { OWNER, ownerUrl } from '../../ops/local/owner';
import { createDatabase, type Database } from '../../prisma/client';
import { testServers } from './servers';
import { until } from './until';

const run = promisify(execFile);

export interface TestDatabase {
  /** As its owner, who is no superuser. */
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
  const name = newName();
  await onServer(testServers().postgres, `CREATE DATABASE ${name} TEMPLATE ${testServers().template} OWNER ${OWNER}`);
  return openOwn(name);
}

/** As it is at one moment, whoever works on it: what a restore to that moment brings. */
export async function copyTestDatabase({ url }: Pick<TestDatabase, 'url'>): Promise<TestDatabase> {
  const name = newName();
  await onServer(testServers().postgres, `CREATE DATABASE ${name} TEMPLATE template0 OWNER ${OWNER}`);
  // As a superuser: what may be granted there is not the owner's to grant.
  const { pathname } = new URL(url);
  const [from, to] = [pathname.slice(1), name].map((one) => databaseUrl(testServers().postgres, one));
  await run('sh', ['-c', 'pg_dump -Fc "$0" | pg_restore --exit-on-error --dbname="$1"', from as string, to as string]);
  return openOwn(name);
}

const newName = () => `test_${randomBytes(6).toString('hex')}`;

function openOwn(name: string): TestDatabase {
  const { postgres } = testServers();
  const opened = openTestDatabase(ownerUrl(postgres, name));
  const { drop: close } = opened;
  return {
    ...opened,
    async drop() {
      await close();
      // Backends of connections just closed need a moment to go.
      const left = await until(
        'the test file closes its connections',
        async () => ((await connectionsTo(postgres, name)) === 0 ? ('none' as const) : null),
        5_000,
      ).catch((error: Error) => error);
      await onServer(postgres, `DROP DATABASE ${name} WITH (FORCE)`);
      if (left !== 'none') throw left;
    },
  };
}

/** One that is there already; it is left when it is dropped. */
export function openTestDatabase(url: string): TestDatabase {
  const { db, pool, close } = createDatabase({ ...SMALL_POOL, DATABASE_URL: url });
  return { url, db, pool, drop: close };
}

/** Makes a database on any server, with every migration, for an owner who is no superuser. @returns its URL */
export async function createMigratedDatabase(server: string, name: string): Promise<string> {
  const url = await ensureDatabase(server, name);
  await run(process.execPath, ['prisma/cli.mjs', 'migrate', 'deploy'], {
    cwd: join(__dirname, '..', '..'),
    env: { ...process.env, DATABASE_URL: url },
  });
  return url;
}

export function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function connectionsTo(server: string, name: string): Promise<number> {
  const { rows } = await onServer(
    server,
    `SELECT count(*)::int AS open FROM pg_stat_activity WHERE datname = '${name}'`,
  );
  return rows[0].open;
}

/** On the servers of this run: what no role of the service may do. */
export const asSuperuser = ({ url }: Pick<TestDatabase, 'url'>, statement: string): Promise<pg.QueryResult> =>
  onServer(testServers().postgres, statement, new URL(url).pathname.slice(1));

export async function onServer(server: string, statement: string, database = 'postgres'): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: databaseUrl(server, database) });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}
