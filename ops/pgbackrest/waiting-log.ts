// What PostgreSQL itself says of its log's way to the archive: what waits, never how often its command has failed. A command
// that a signal ends, or that does not exist, is not counted there at all.

/** Longer, and it counts as stalled: with a switch each minute and a look each half minute it is noticed within five minutes. */
export const STALLED_AFTER_SECONDS = 120;

export interface WaitingLog {
  recovering: boolean;
  archives: boolean;
  /** Null: none waits. */
  oldestWaitingSeconds: number | null;
  /** The one that is being written; null while recovering. */
  segment: string | null;
}

export type Query = (sql: string) => Promise<unknown[]>;

/** For a superuser or a member of pg_monitor. */
const WAITING = `
  SELECT pg_is_in_recovery() AS recovering, current_setting('archive_mode') <> 'off' AS archives,
    (SELECT extract(epoch FROM clock_timestamp() - min(modification))::float8
     FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') AS "oldestWaitingSeconds",
    CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END AS segment`;

export async function readWaitingLog(query: Query): Promise<WaitingLog> {
  const [row] = (await query(WAITING)) as WaitingLog[];
  if (!row) throw new Error('The database said nothing');
  return row;
}

/** The segment that waits longest, by its name; null: none does. */
export async function readOldestWaiting(query: Query): Promise<string | null> {
  const [oldest] = (await query(`
    SELECT replace(name, '.ready', '') AS segment FROM pg_ls_archive_statusdir()
    WHERE name LIKE '%.ready' ORDER BY modification, name LIMIT 1`)) as { segment: string }[];
  return oldest?.segment ?? null;
}

const NOT_ALLOWED = '42501';

/** Why nothing can be said of it: a code. */
export function troubleOf(error: unknown): 'not_allowed' | 'database_away' {
  const { code, meta } = error as {
    code?: string;
    meta?: { driverAdapterError?: { cause?: { originalCode?: string } } };
  };
  const original = meta?.driverAdapterError?.cause?.originalCode ?? code;
  return original === NOT_ALLOWED ? 'not_allowed' : 'database_away';
}
