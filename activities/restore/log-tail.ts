// What was committed last lies in a segment that is not finished: where the database still runs, it is finished and kept first.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const KEPT_WITHIN_MS = 60_000;
/** So often PostgreSQL tries at once, and then pauses for a minute. */
const FAILS_IN_A_ROW = 3;
const LOOKS_EACH_MS = 200;

/** @returns whether everything that was committed until now is kept; false where the database is away, or keeps nothing */
export async function keepLogTail(databaseUrl: string, signal?: AbortSignal): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 3_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query(
      'SELECT pg_walfile_name(pg_switch_wal()) AS name, failed_count::int AS failures FROM pg_stat_archiver',
    );
    const deadline = Date.now() + KEPT_WITHIN_MS;
    while (Date.now() < deadline) {
      const { rows: looked } = await client.query(
        `SELECT failed_count::int AS failures, EXISTS (
           SELECT FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready' AND left(name, 24) <= $1
         ) AS waits FROM pg_stat_archiver`,
        [rows[0].name],
      );
      const [{ failures, waits }] = looked;
      if (!waits) return true;
      if (failures - rows[0].failures >= FAILS_IN_A_ROW) return false;
      await delay(LOOKS_EACH_MS, undefined, { signal });
    }
    return false;
  } catch {
    signal?.throwIfAborted();
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
