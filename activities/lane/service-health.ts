// Records how a lane's service fares on the lane's row. The row outlives every attempt, so a new one knows that it is a probe.
import { type Database, NOT_SYNCED } from '../../prisma/client';

const MAX_BACKOFF_SECONDS = 30;

export interface Failing {
  failures: number;
  failingSince: Date;
}

export const backoffSeconds = (failures: number) => Math.min(2 ** Math.max(failures - 1, 0), MAX_BACKOFF_SECONDS);

export function createServiceHealth(db: Database, lane: string, owner: string) {
  return {
    /** Null where the lane has another owner by now. */
    async failed(code: string): Promise<Failing | null> {
      const [row] = await db.$queryRaw<Failing[]>`
        UPDATE lanes SET failures = failures + 1, last_error = ${code}, failing_since = coalesce(failing_since, clock_timestamp()),
          since = CASE failures WHEN 0 THEN clock_timestamp() ELSE since END
        WHERE name = ${lane} AND owner = ${owner}::uuid
        RETURNING failures, failing_since AS "failingSince"`;
      return row ?? null;
    },

    async healed(): Promise<void> {
      await db.$executeRaw`
        UPDATE lanes SET failures = 0, failing_since = NULL, since = clock_timestamp()
        WHERE name = ${lane} AND owner = ${owner}::uuid AND failures > 0`;
    },

    async countSent(sent: number): Promise<void> {
      if (sent > 0)
        await db.$executeRaw`UPDATE lanes SET sent = sent + ${sent} WHERE name = ${lane} AND ${NOT_SYNCED} IS NOT NULL`;
    },
  };
}
