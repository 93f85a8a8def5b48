// How far a recovered database came.
import { withClient } from '../../ops/local/database';

/** The time of its newest event, in ISO 8601; null where nothing has ever happened in it. */
export function lastCommit(connectionString: string): Promise<string | null> {
  return withClient(connectionString, async (client) => {
    const { rows } = await client.query<{ at: Date | null }>('SELECT max(at) AS at FROM audit_events');
    return rows[0]?.at?.toISOString() ?? null;
  });
}
