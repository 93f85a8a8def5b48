// Asks Temporal what a lane's activity is doing, and its workflow who has paused it.
import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { laneId, type Paused, state } from '../workflows/contracts/lane';
import type { Lane } from '../workflows/contracts/services';

const ANSWERS_WITHIN_MS = 1_000;
/** Of `PendingActivityState`: in backoff, or about to start; running. */
const SCHEDULED = 1;
const STARTED = 2;

export interface LaneAttempt {
  isRunning: boolean;
  /** While it waits out its backoff. */
  nextAttemptAt: Date | null;
}

export interface LaneKnown {
  /** Null: Temporal did not answer. */
  attempt: LaneAttempt | null;
  /** Null: nobody has paused it. Undefined: no worker could be asked. */
  paused: Paused | null | undefined;
}

export function askLane(temporal: Client, lane: Lane): Promise<LaneKnown> {
  const handle = temporal.workflow.getHandle(laneId(lane));
  return temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, async () => {
    const [attempt, paused] = await Promise.all([
      describeAttempt(handle).catch((error) => (error instanceof WorkflowNotFoundError ? NONE : null)),
      // The workflow itself knows, but only while a worker runs it.
      handle.query(state).then(
        (known) => known.paused,
        (error) => (error instanceof WorkflowNotFoundError ? null : undefined),
      ),
    ]);
    return { attempt, paused };
  });
}

const NONE: LaneAttempt = { isRunning: false, nextAttemptAt: null };

async function describeAttempt(handle: WorkflowHandle): Promise<LaneAttempt> {
  const { raw } = await handle.describe();
  const activity = raw.pendingActivities?.[0];
  const next = activity?.nextAttemptScheduleTime ?? activity?.scheduledTime;
  const isWaiting = activity?.state === SCHEDULED && next?.seconds;
  const ms = next ? Number(next.seconds) * 1000 + (next.nanos ?? 0) / 1e6 : 0;
  return { isRunning: activity?.state === STARTED, nextAttemptAt: isWaiting ? new Date(ms) : null };
}
