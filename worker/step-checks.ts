// Compares failing steps with Temporal: a process that was terminated, or that does without the step, tells nobody.
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { FailingSteps } from '../activities/failing-steps';
import { activityOf } from '../activities/failing-steps/step';
import type { Logger } from '../ops/runtime/logging';
import type { Database } from '../prisma/client';

const LOOKS_EACH_MS = 2_000;
const ANSWERS_WITHIN_MS = 2_000;
/** At once: it bounds what a long list asks of Temporal. */
const MOST_CHECKED = 50;
/** `PendingActivityState` while an attempt runs. */
const STARTED = 2;

export interface StepChecks {
  db: Database;
  temporal: Client;
  logger: Logger;
  steps: FailingSteps;
}

interface Row {
  workflowId: string;
  step: string;
  /** Temporal has stopped trying it by now. */
  isOver: boolean;
}

export async function checkSteps({ db, temporal, logger, steps }: StepChecks, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await look().catch((err) => logger.debug({ err }, 'Failing steps could not be compared with Temporal'));
    await delay(LOOKS_EACH_MS, undefined, { signal: stopping }).catch(() => {});
  }

  async function look(): Promise<void> {
    // Nobody but their own attempts knows local steps; those come at least each 40 s.
    const silent = await db.$queryRaw<Row[]>`
      SELECT workflow_id AS "workflowId", step, true AS "isOver" FROM failing_steps
      WHERE is_local AND checked_at < clock_timestamp() - interval '90 s' ORDER BY checked_at LIMIT ${MOST_CHECKED}`;
    const rows = await db.$queryRaw<Row[]>`
      UPDATE failing_steps f SET checked_at = clock_timestamp() FROM (
        SELECT workflow_id, step FROM failing_steps
        WHERE NOT is_local AND checked_at < clock_timestamp() - interval '3 s'
        ORDER BY checked_at LIMIT ${MOST_CHECKED} FOR UPDATE SKIP LOCKED
      ) o WHERE f.workflow_id = o.workflow_id AND f.step = o.step
      RETURNING f.workflow_id AS "workflowId", f.step, coalesce(f.gives_up_at < clock_timestamp(), true) AS "isOver"`;
    await Promise.all([...silent.map(steps.ended), ...rows.map((row) => check(row))]);
  }

  async function check(row: Row): Promise<void> {
    const described = await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () =>
      temporal.workflow
        .getHandle(row.workflowId)
        .describe()
        .catch((error) => {
          if (error instanceof WorkflowNotFoundError) return null;
          throw error;
        }),
    );
    if (described?.status.name !== 'RUNNING') return steps.ended(row);
    const activity = described.raw.pendingActivities?.find(
      ({ activityType }) => activityType?.name === activityOf(row.step),
    );
    if (!activity) return row.isOver ? steps.ended(row) : undefined;
    const isRunning = activity.state === STARTED;
    const seconds = activity.nextAttemptScheduleTime?.seconds;
    const next = isRunning || !seconds ? null : new Date(Number(seconds) * 1000);
    await db.$executeRaw`
      UPDATE failing_steps SET is_running = ${isRunning}, next_attempt_at = ${next},
        attempts = greatest(attempts, ${(activity.attempt ?? 1) - 1})
      WHERE workflow_id = ${row.workflowId} AND step = ${row.step}`;
  }
}
