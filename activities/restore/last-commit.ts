// How far a recovered database came.
import pg from 'pg';

/** The time of its newest event, in ISO 8601; null where nothing has ever happened in it. */
export async function lastCommit(connectionString: string): Promise<string | null> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ at: Date | null }>('SELECT max(at) AS at FROM audit_events');
    return rows[0]?.at?.toISOString() ?? null;
  } finally {
    await client.end();
  }
}
