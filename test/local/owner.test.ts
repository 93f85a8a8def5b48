// The database's owner is no superuser: made, handed over where a superuser owned it before, and held to the audit trail's rules.
import pg from 'pg';
import { startBeside } from '../../ops/local/beside';
import { ensureDatabase } from '../../ops/local/database';
import { OWNER } from '../../ops/local/owner';
import { startPostgres } from '../../ops/local/postgres';
import { findClusterHost } from '../../ops/pgbackrest/cluster-host';
import { createMigratedDatabase, onServer } from '../support/database';
import { OwnServer } from '../support/own-server';

let server: OwnServer;
beforeAll(async () => {
  server = await OwnServer.start(startPostgres, 'owner');
});
afterAll(() => server?.stop());

const NOT_ITS_OWN = `
  SELECT c.relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'v') AND pg_get_userbyid(relowner) <> '${OWNER}'
  UNION ALL SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND pg_get_userbyid(proowner) <> '${OWNER}'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')`;

async function query(url: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client.query(statement).finally(() => client.end());
}

/** As every installation had it before: all of it belongs to the superuser. */
async function giveToSuperuser(database: string): Promise<void> {
  const { rows } = await onServer(
    server.url,
    `SELECT format('ALTER TABLE %s OWNER TO postgres', c.oid::regclass) AS change FROM pg_class c
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
     UNION ALL SELECT format('ALTER ROUTINE %s OWNER TO postgres', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     UNION ALL SELECT 'ALTER DATABASE ${database} OWNER TO postgres'`,
    database,
  );
  for (const { change } of rows) await onServer(server.url, change, database);
}

it('takes over a database that a superuser owned, and may no more than before', async () => {
  await createMigratedDatabase(server.url, 'before');
  await giveToSuperuser('before');
  expect((await onServer(server.url, NOT_ITS_OWN, 'before')).rowCount).toBeGreaterThan(20);
  const url = await ensureDatabase(server.url, 'before');
  expect((await onServer(server.url, NOT_ITS_OWN, 'before')).rows).toEqual([]);
  const { rows } = await query(
    url,
    'SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user',
  );
  expect(rows).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false }]);
  await query(url, `INSERT INTO audit_events (id, type, at, subject) VALUES (gen_random_uuid(), 'x', now(), 'draft')`);
  for (const statement of [`UPDATE audit_events SET type = 'y'`, 'DELETE FROM audit_events', 'TRUNCATE audit_events'])
    await expect(query(url, statement)).rejects.toMatchObject({ code: '42501' });
  expect(await ensureDatabase(server.url, 'before')).toBe(url);
});

it('is made in a cluster that does not have it, as one that was backed up before', async () => {
  const url = new URL(await ensureDatabase(server.url, 'countersign'));
  await query(url.href, 'CREATE TABLE kept AS SELECT 1 AS n');
  await onServer(server.url, 'CREATE TABLE theirs AS SELECT 2 AS n', 'countersign');
  await server.stop();
  const host = await findClusterHost(server.folder, url.href);
  const beside = await startBeside({ ...host, role: 'another', password: 'a password' }, 'data');
  try {
    expect((await query(beside.url, 'SELECT n FROM kept UNION SELECT n FROM theirs ORDER BY 1')).rows).toEqual([
      { n: 1 },
      { n: 2 },
    ]);
    const { rows } = await query(beside.superuserUrl, `SELECT rolsuper FROM pg_roles WHERE rolname = 'another'`);
    expect(rows).toEqual([{ rolsuper: false }]);
  } finally {
    await beside.stop();
    await server.startAgain();
  }
});
