// Records how a lane's service fares on the lane's row. The row outlives every attempt, so a new one knows that it is a probe.
import type { Logger } from '../../ops/runtime/logging';
import { type Database, NOT_SYNCED } from '../../prisma/client';
import { logClosed, logOpened } from '../breaker-log';

const MAX_BACKOFF_SECONDS = 30;

export interface Failing {
  failures: number;
  failingSince: Date;
}

export const backoffSeconds = (failures: number) => Math.min(2 ** Math.max(failures - 1, 0), MAX_BACKOFF_SECONDS);

export function createServiceHealth(db: Database, logger: Logger, lane: string, owner: string) {
  return {
    /** @param leastMs how long the service asks to be left alone. Returns null if the lane has another owner by now. */
    async failed(code: string, leastMs: number): Promise<Failing | null> {
      const [row] = await db.$queryRaw<Failing[]>`
        UPDATE lanes SET failures = failures + 1, last_error = ${code}, failing_since = coalesce(failing_since, clock_timestamp()),
          since = CASE failures WHEN 0 THEN clock_timestamp() ELSE since END,
          next_attempt_at = clock_timestamp() + make_interval(secs => greatest(least(2 ^ failures, ${MAX_BACKOFF_SECONDS}), ${leastMs / 1000}::float8))
        WHERE name = ${lane} AND owner = ${owner}::uuid
        RETURNING failures, failing_since AS "failingSince"`;
      if (row?.failures === 1) logOpened(logger, lane, code);
      return row ?? null;
    },

    async healed(): Promise<void> {
      const [row] = await db.$queryRaw<{ seconds: number }[]>`
        UPDATE lanes l SET failures = 0, failing_since = NULL, next_attempt_at = NULL, since = clock_timestamp()
        FROM lanes before
        WHERE l.name = ${lane} AND l.owner = ${owner}::uuid AND l.failures > 0 AND before.name = l.name
        RETURNING extract(epoch FROM clock_timestamp() - before.since)::int AS seconds`;
      if (row) logClosed(logger, lane, row.seconds);
    },

    async countSent(sent: number): Promise<void> {
      if (sent > 0)
        await db.$executeRaw`UPDATE lanes SET sent = sent + ${sent} WHERE name = ${lane} AND ${NOT_SYNCED} IS NOT NULL`;
    },
  };
}
