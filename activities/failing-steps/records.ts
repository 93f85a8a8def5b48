// The statements of the table of failing steps. Each says whether it has opened or closed the breaker of a service.
import { type Database, Prisma } from '../../prisma/client';
import type { Blame } from './blame';
import type { Step } from './step';

export interface Failure extends Step, Blame {
  attempt: number;
  /** Seconds until the next attempt; null: only the process knows. */
  nextInSeconds: number | null;
  /** Seconds for which it may be tried again; null: for ever. */
  givesUpInSeconds: number | null;
}

const inSeconds = (seconds: number | null) =>
  seconds === null ? Prisma.sql`NULL` : Prisma.sql`clock_timestamp() + make_interval(secs => ${seconds})`;

/** @returns whether it is the only step that fails for this service */
export async function recordFailure(db: Database, failure: Failure): Promise<boolean> {
  const { workflowId, step, process, isLocal, service, code, attempt } = failure;
  const [row] = await db.$queryRaw<{ opened: boolean }[]>`
    INSERT INTO failing_steps AS f (workflow_id, step, process, service, code, is_local, attempts, next_attempt_at, gives_up_at)
    VALUES (${workflowId}, ${step}, ${process}, ${service}, ${code}, ${isLocal}, ${attempt},
      ${inSeconds(failure.nextInSeconds)}, ${inSeconds(failure.givesUpInSeconds)})
    ON CONFLICT (workflow_id, step) DO UPDATE SET service = EXCLUDED.service, code = EXCLUDED.code, is_running = false,
      attempts = greatest(EXCLUDED.attempts, f.attempts + 1), next_attempt_at = EXCLUDED.next_attempt_at,
      gives_up_at = EXCLUDED.gives_up_at, checked_at = clock_timestamp()
    RETURNING NOT EXISTS (SELECT 1 FROM failing_steps o WHERE o.service = f.service) AS opened`;
  return row?.opened ?? false;
}

/** A further attempt has begun. A step that is not known yet lost its attempt: its worker was killed, or it took too long. */
export async function recordAttempt(db: Database, { workflowId, step, process }: Step, attempt: number): Promise<void> {
  await db.$executeRaw`
    INSERT INTO failing_steps AS f (workflow_id, step, process, service, code, is_local, attempts, is_running)
    VALUES (${workflowId}, ${step}, ${process}, 'worker', 'attempt_lost', false, ${attempt - 1}, true)
    ON CONFLICT (workflow_id, step) DO UPDATE SET is_running = true, next_attempt_at = NULL, checked_at = clock_timestamp()`;
}

export interface Closed {
  service: string;
  seconds: number;
}

/** @returns the service for which no other step fails any more; null if there is none */
export async function removeStep(
  db: Database,
  { workflowId, step }: Pick<Step, 'workflowId' | 'step'>,
): Promise<Closed | null> {
  const [row] = await db.$queryRaw<(Closed & { isLast: boolean })[]>`
    DELETE FROM failing_steps f WHERE workflow_id = ${workflowId} AND step = ${step}
    RETURNING service, extract(epoch FROM clock_timestamp() - since)::int AS seconds,
      NOT EXISTS (SELECT 1 FROM failing_steps o WHERE o.service = f.service AND (o.workflow_id, o.step) <> (f.workflow_id, f.step)) AS "isLast"`;
  return row?.isLast ? { service: row.service, seconds: row.seconds } : null;
}
