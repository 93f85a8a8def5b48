// Tries the database: whether it lets us in, its migrations, its clock, and each right that its role needs.
import type pg from 'pg';
import { withClient } from '../local/database';
import { findDatabaseTrouble } from '../runtime/database-trouble';
import { type Finding, failed, ok, warning } from './finding';

const GRANTS =
  'run ops/postgres/grants.sql as a superuser, in the database postgres and in this one (docs/production.md)';
const CLOCK_SECONDS = 2;

export async function checkDatabase(url: string): Promise<Finding[]> {
  const trouble = await findDatabaseTrouble(url, { migrated: false });
  if (trouble) return [failed('PostgreSQL: connection', trouble.message, 'see the sentence before')];
  const unmigrated = await findDatabaseTrouble(url);
  return withClient(url, async (client) => [
    ok('PostgreSQL: connection', await describeServer(client)),
    unmigrated
      ? failed('PostgreSQL: migrations', unmigrated.message, 'npm run migrate, as the role that owns the tables')
      : ok('PostgreSQL: migrations', 'all are applied'),
    await checkClock(client),
    await checkEncryption(client),
    ...(unmigrated ? [] : await checkTables(client)),
    ...(await checkLogRights(client)),
  ]);
}

/** Only a host that makes backups needs these. */
export async function checkBackupRights(url: string): Promise<Finding[]> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  return withClient(maintenance.href, async (client) => {
    const { rows } = await client.query<{ right: string; has: boolean }>(`
      SELECT 'pg_monitor' AS right, pg_has_role('pg_monitor', 'USAGE') AS has
      UNION ALL SELECT name, has_function_privilege(name, 'EXECUTE')
      FROM unnest(ARRAY['pg_backup_start(text, boolean)', 'pg_backup_stop(boolean)', 'pg_switch_wal()', 'pg_create_restore_point(text)']) AS name`);
    const { rows: settings } = await client.query<{ name: string; setting: string }>(
      `SELECT name, setting FROM pg_settings WHERE name IN ('archive_mode', 'archive_command', 'wal_level')`,
    );
    const settingOf = (wanted: string) => settings.find(({ name }) => name === wanted)?.setting ?? '';
    return [
      ...rows.map(({ right, has }) => {
        const check = `PostgreSQL: right to ${right} for backups`;
        return has ? ok(check, 'granted') : failed(check, 'not granted', GRANTS);
      }),
      ['on', 'always'].includes(settingOf('archive_mode')) && settingOf('wal_level') !== 'minimal'
        ? ok('PostgreSQL: archiving', `on, wal_level ${settingOf('wal_level')}`)
        : failed(
            'PostgreSQL: archiving',
            `archive_mode ${settingOf('archive_mode')}, wal_level ${settingOf('wal_level')}`,
            'set archive_mode = on and archive_command as docs/backup.md says, and restart PostgreSQL',
          ),
      /pgbackrest/.test(settingOf('archive_command'))
        ? ok('PostgreSQL: archive_command', 'calls pgBackRest')
        : failed(
            'PostgreSQL: archive_command',
            'does not call pgBackRest, or may not be read',
            'set it as docs/backup.md says, and reload PostgreSQL',
          ),
    ];
  });
}

async function describeServer(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ version: string; role: string; isSuperuser: boolean }>(
    `SELECT current_setting('server_version') AS version, current_user AS role, rolsuper AS "isSuperuser" FROM pg_roles WHERE rolname = current_user`,
  );
  const [row] = rows;
  return `PostgreSQL ${row?.version}, as ${row?.role}${row?.isSuperuser ? ', a superuser, which is more than it needs' : ''}`;
}

async function checkClock(client: pg.Client): Promise<Finding> {
  const before = Date.now();
  const { rows } = await client.query<{ at: Date }>('SELECT clock_timestamp() AS at');
  const between = (before + Date.now()) / 2;
  const seconds = Math.abs((rows[0]?.at.getTime() ?? 0) - between) / 1000;
  const found = `${seconds.toFixed(1)} s from this machine's`;
  return seconds <= CLOCK_SECONDS
    ? ok('PostgreSQL: clock', found)
    : warning('PostgreSQL: clock', found, 'let both machines take their time from a time server');
}

async function checkEncryption(client: pg.Client): Promise<Finding> {
  const { rows } = await client.query<{ ssl: boolean; isLocal: boolean }>(
    `SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS ssl,
       coalesce(inet_client_addr() <<= '127.0.0.0/8' OR inet_client_addr() = '::1', true) AS "isLocal"`,
  );
  if (rows[0]?.ssl) return ok('PostgreSQL: encryption', 'TLS');
  return rows[0]?.isLocal
    ? ok('PostgreSQL: encryption', 'none, within this machine')
    : warning(
        'PostgreSQL: encryption',
        'none, over a network',
        'add ?sslmode=verify-full&sslrootcert=… to DATABASE_URL',
      );
}

/** The audit trail takes inserts alone. */
const APPEND_ONLY = ['audit_events', 'audit_seals', 'audit_checkpoints', '_prisma_migrations'];

async function checkTables(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query<{ name: string; missing: string[] }>(
    `SELECT tablename AS name, ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p
         WHERE NOT has_table_privilege(format('%I.%I', schemaname, tablename), p)
           AND NOT (tablename = ANY ($1) AND p IN ('UPDATE', 'DELETE', CASE WHEN tablename = '_prisma_migrations' THEN 'INSERT' END))) AS missing
     FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
    [APPEND_ONLY],
  );
  const lacking = rows.filter(({ missing }) => missing.length > 0);
  if (lacking.length === 0) return [ok('PostgreSQL: rights on tables', `on all ${rows.length}`)];
  return lacking.map(({ name, missing }) =>
    failed(`PostgreSQL: rights on ${name}`, `lacks ${missing.join(', ')}`, GRANTS),
  );
}

const LOG_RIGHTS = [
  ['pg_create_restore_point(text)', 'a restore to before an erasure needs its time'],
  ['pg_switch_wal()', 'a restore or a drill may miss what was committed in the last minute'],
] as const;

async function checkLogRights(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query<{ name: string; has: boolean }>(
    `SELECT name, has_function_privilege(name, 'EXECUTE') AS has FROM unnest($1::text[]) AS name`,
    [LOG_RIGHTS.map(([name]) => name)],
  );
  return LOG_RIGHTS.map(([name, without]) => {
    const check = `PostgreSQL: right to ${name}`;
    return rows.find((row) => row.name === name)?.has
      ? ok(check, 'granted')
      : warning(check, `not granted: ${without}`, GRANTS);
  });
}
