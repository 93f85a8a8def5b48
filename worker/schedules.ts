// What runs at its hour by itself: made when a worker starts, and brought up to date by a newer one.
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, ScheduleAlreadyRunning, type ScheduleOptions, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Logger } from '../ops/runtime/logging';
import { DRAFT_RETENTION_SCHEDULE } from '../workflows/contracts/draft-retention';
import { ProcessAttribute } from '../workflows/contracts/search-attributes';
import { TASK_QUEUES } from '../workflows/contracts/task-queues';

const TRIES_AGAIN_MS = 1_000;

export const SCHEDULES: ScheduleOptions[] = [
  {
    scheduleId: DRAFT_RETENTION_SCHEDULE,
    spec: { calendars: [{ hour: 3 }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
    action: {
      type: 'startWorkflow',
      workflowType: 'draftRetention',
      workflowId: DRAFT_RETENTION_SCHEDULE,
      taskQueue: TASK_QUEUES.processes,
      args: [{}],
      staticSummary: 'Retention of drafts, every night',
      typedSearchAttributes: [{ key: ProcessAttribute, value: 'draftRetention' }],
    },
  },
];

export async function keepSchedules(temporal: Client, logger: Logger, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    try {
      return await ensureSchedules(temporal);
    } catch (err) {
      logger.warn({ err }, 'The schedules could not be made; Temporal may be away');
      await delay(TRIES_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
    }
  }
}

export async function ensureSchedules(temporal: Client): Promise<void> {
  for (const schedule of SCHEDULES) {
    try {
      await temporal.schedule.create(schedule);
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      // One that an operator has paused stays paused.
      await temporal.schedule.getHandle(schedule.scheduleId).update(({ state }) => ({ ...schedule, state }));
    }
  }
}
