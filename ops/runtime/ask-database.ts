// Asks PostgreSQL over a connection of its own: the pool may be busy, and the database may have come back elsewhere.
import pg from 'pg';

export interface AskOptions {
  /** Shown in `pg_stat_activity`. */
  name: string;
  /** Bounds the connection and the statement each, so that a database that hangs leaves nothing open. */
  withinMs: number;
}

/** Throws if there is no answer in time. */
export async function askDatabase(
  connectionString: string,
  sql: string,
  { name, withinMs }: AskOptions,
): Promise<unknown[]> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: withinMs,
    query_timeout: withinMs,
    statement_timeout: withinMs,
    application_name: name,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    // Not awaited: a server that hangs does not answer the farewell either.
    client.end().catch(() => {});
  }
}
