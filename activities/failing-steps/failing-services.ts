// Sums up the failing steps of each service, at a cost that does not grow with them.
import { type Database, Prisma } from '../../prisma/client';
import { SERVICES, type Service } from '../../workflows/contracts/services';

const MOST_COUNTED = 1_000;

export interface FailingService {
  service: Service;
  /** How many steps wait for it; at most 1,000. */
  steps: number;
  isRunning: boolean;
  /** Of the step that has been tried most often. */
  failures: number;
  /** Of the oldest. */
  code: string;
  since: Date;
  nextAttemptAt: Date | null;
}

/** Those for which a step fails now. */
export const readFailingServices = (db: Database): Promise<FailingService[]> => db.$queryRaw`
  SELECT s.service, f.* FROM unnest(ARRAY[${Prisma.join([...SERVICES])}]) AS s (service), LATERAL (
    SELECT count(*)::int AS steps, bool_or(is_running) AS "isRunning", max(attempts) AS failures, min(since) AS since,
      (array_agg(code ORDER BY since))[1] AS code, min(next_attempt_at) AS "nextAttemptAt"
    FROM (SELECT * FROM failing_steps WHERE service = s.service ORDER BY since LIMIT ${MOST_COUNTED}) oldest
  ) f WHERE f.steps > 0`;
