// Makes the role that owns Countersign's database. It is no superuser: the service can do no more than it needs.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { PACKAGE_ROOT } from '../runtime/package-root';

/** Its name. */
export const OWNER = 'countersign';
const GRANTS = join(PACKAGE_ROOT, 'ops', 'postgres', 'grants.sql');

/** @returns the URL of this database as its owner. @param server a superuser's URL of it */
export function ownerUrl(server: string, database: string): string {
  const url = new URL(server);
  // The superuser's password does not follow from it.
  url.password = createHash('sha256').update(`${OWNER} ${url.password}`).digest('base64url');
  url.username = OWNER;
  url.pathname = `/${database}`;
  return url.href;
}

/** Makes the role if it is missing, and gives it this password. @param client a superuser's. @returns whether it was missing */
export async function ensureRole(client: pg.Client, role: string, password: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  const isMissing = rowCount === 0;
  // A statement that changes a role takes no parameters.
  const whom = pg.escapeIdentifier(role);
  if (isMissing) await client.query(`CREATE ROLE ${whom} LOGIN`);
  await client.query(`ALTER ROLE ${whom} PASSWORD ${pg.escapeLiteral(password)}`);
  return isMissing;
}

/** Grants what ops/postgres/grants.sql lists, in the client's database. @param client a superuser's */
export async function grantRights(client: pg.Client, role: string): Promise<void> {
  await client.query(`SELECT set_config('countersign.role', $1, false)`, [role]);
  await client.query(readFileSync(GRANTS, 'utf8'));
}

/** Makes the role the owner of the client's database and of everything in it. @param client a superuser's */
export async function giveDatabaseTo(client: pg.Client, role: string): Promise<void> {
  const whom = pg.escapeIdentifier(role);
  const { rows } = await client.query<{ what: string }>(OWNED_BY_OTHERS, [role]);
  for (const { what } of rows) await client.query(`ALTER ${what} OWNER TO ${whom}`);
}

/** Sequences of a column follow their table, types of a table too. */
const OWNED_BY_OTHERS = `
  WITH owner AS (SELECT oid FROM pg_roles WHERE rolname = $1)
  SELECT format('DATABASE %I', datname) AS what FROM pg_database WHERE datname = current_database() AND datdba <> (SELECT oid FROM owner)
  UNION ALL
  SELECT format('%s %s', CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, c.oid::regclass)
  FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') AND relowner <> (SELECT oid FROM owner)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i', 'e'))
  UNION ALL
  SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
  WHERE pronamespace = 'public'::regnamespace AND proowner <> (SELECT oid FROM owner)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  UNION ALL
  SELECT format('TYPE %s', t.oid::regtype) FROM pg_type t
  WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd') AND typowner <> (SELECT oid FROM owner)`;
