// The database of the embedded server, and the migrations that are still to be applied to any.
import pg from 'pg';
import { knownMigrations } from '../runtime/known-migrations';
import { type OnProgress, run, tell } from './binaries/programs';
import { ensureRole, giveDatabaseTo, grantRights, ownerUrl } from './owner';

export const DATABASE = 'countersign';
const DOES_NOT_EXIST = '3D000';

/** Makes the database and its owner, who is no superuser. An installation of before had a superuser for that.
 *  @param server a superuser's URL. @returns the database's URL as its owner */
export async function ensureDatabase(server: string, name = DATABASE): Promise<string> {
  const url = new URL(ownerUrl(server, name));
  await withClient(`${server}/postgres`, async (client) => {
    await ensureRole(client, url.username, url.password);
    await grantRights(client, url.username);
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} OWNER ${url.username}`);
  });
  await withClient(`${server}/${name}`, async (client) => {
    await giveDatabaseTo(client, url.username);
    await grantRights(client, url.username);
  });
  return url.href;
}

/** The command line takes seconds to find nothing to do; one statement finds that too. */
export async function migrate(root: string, databaseUrl: string, onProgress?: OnProgress): Promise<void> {
  if (await isMigrated(root, databaseUrl)) return;
  await tell(onProgress, 'Migrating the database', 4, () =>
    run(process.execPath, ['prisma/cli.mjs', 'migrate', 'deploy'], {
      cwd: root,
      env: { ...process.env, DATABASE_URL: databaseUrl },
    }),
  );
}

async function isMigrated(root: string, databaseUrl: string): Promise<boolean> {
  const wanted = knownMigrations(root);
  return withClient(databaseUrl, async (client) => {
    const table = await client.query(`SELECT to_regclass('_prisma_migrations') AS name`);
    if (table.rows[0].name === null) return false;
    const { rows } = await client.query(
      'SELECT migration_name AS name, finished_at IS NOT NULL AS done FROM _prisma_migrations WHERE rolled_back_at IS NULL',
    );
    const done = new Set(rows.map(({ name }) => name));
    return rows.every((row) => row.done) && wanted.every((name) => done.has(name));
  }).catch((error) => {
    if (error.code === DOES_NOT_EXIST) return false;
    throw error;
  });
}

/** Opens a connection of its own for as long as the work takes. @param to a URL, or the parts of one */
export async function withClient<T>(to: string | pg.ClientConfig, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const address = typeof to === 'string' ? { connectionString: to } : to;
  const client = new pg.Client({ ...address, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
