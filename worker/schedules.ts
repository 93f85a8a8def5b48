// What runs by the clock: the schedules that Temporal keeps, made anew as this release has them.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type CalendarSpec,
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import type { Logger } from '../ops/runtime/logging';
import { AUDIT_RETENTION_SCHEDULE, type AuditRetentionInput } from '../workflows/contracts/audit-retention';
import {
  BACKUP_PARTS,
  type BackupInput,
  type BackupKind,
  HOURLY_BACKUP_SCHEDULE,
  NIGHTLY_BACKUP_SCHEDULE,
  SCHEDULED_BACKUP,
} from '../workflows/contracts/backup';
import { CLUSTER_RETENTION_SCHEDULE } from '../workflows/contracts/cluster-retention';
import { DRAFT_RETENTION_SCHEDULE, type DraftRetentionInput } from '../workflows/contracts/draft-retention';
import { RESTORE_DRILL_SCHEDULE, type RestoreDrillInput } from '../workflows/contracts/restore-drill';
import { ProcessAttribute } from '../workflows/contracts/search-attributes';
import { TASK_QUEUES } from '../workflows/contracts/task-queues';

export const SCHEDULES: ScheduleOptions[] = [
  {
    scheduleId: DRAFT_RETENTION_SCHEDULE,
    spec: { calendars: [{ hour: 3 }], timezone: 'UTC' },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
    action: {
      type: 'startWorkflow',
      workflowType: 'draftRetention',
      workflowId: DRAFT_RETENTION_SCHEDULE,
      taskQueue: TASK_QUEUES.processes,
      args: [{} satisfies DraftRetentionInput],
      staticSummary: 'Retention of drafts, every night',
      typedSearchAttributes: [{ key: ProcessAttribute, value: 'draftRetention' }],
    },
  },
  {
    scheduleId: AUDIT_RETENTION_SCHEDULE,
    spec: { calendars: [{ hour: 3, minute: 10 }], timezone: 'UTC' },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
    action: {
      type: 'startWorkflow',
      workflowType: 'auditRetention',
      workflowId: AUDIT_RETENTION_SCHEDULE,
      taskQueue: TASK_QUEUES.processes,
      args: [{} satisfies AuditRetentionInput],
      staticSummary: 'Verifies the audit trail and prunes what is old',
      typedSearchAttributes: [{ key: ProcessAttribute, value: 'auditRetention' }],
    },
  },
];

/** Only where a worker has the tools. A run that is due while another runs waits for it. */
export const RECOVERY_SCHEDULES: ScheduleOptions[] = [
  backupSchedule(NIGHTLY_BACKUP_SCHEDULE, 'full', { hour: 2 }, '1 day'),
  backupSchedule(HOURLY_BACKUP_SCHEDULE, 'incr', { hour: '*', minute: 30 }, '1 hour'),
  {
    scheduleId: RESTORE_DRILL_SCHEDULE,
    spec: { calendars: [{ dayOfWeek: 'SUNDAY', hour: 4 }], timezone: 'UTC' },
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow: '1 day' },
    action: {
      type: 'startWorkflow',
      workflowType: 'restoreDrill',
      workflowId: RESTORE_DRILL_SCHEDULE,
      taskQueue: TASK_QUEUES.ops,
      args: [{} satisfies RestoreDrillInput],
      staticSummary: 'A restore drill, every week',
      typedSearchAttributes: [{ key: ProcessAttribute, value: 'restoreDrill' }],
    },
  },
  {
    scheduleId: CLUSTER_RETENTION_SCHEDULE,
    spec: { calendars: [{ hour: 5 }], timezone: 'UTC' },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
    action: {
      type: 'startWorkflow',
      workflowType: 'clusterRetention',
      workflowId: CLUSTER_RETENTION_SCHEDULE,
      taskQueue: TASK_QUEUES.ops,
      args: [],
      staticSummary: 'Removes databases that restores replaced, once UNDO_RETENTION_DAYS are over',
      typedSearchAttributes: [{ key: ProcessAttribute, value: 'clusterRetention' }],
    },
  },
];

function backupSchedule(
  scheduleId: string,
  kind: BackupKind,
  when: CalendarSpec,
  catchupWindow: '1 day' | '1 hour',
): ScheduleOptions {
  return {
    scheduleId,
    spec: { calendars: [when], timezone: 'UTC' },
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow },
    action: {
      type: 'startWorkflow',
      workflowType: 'backup',
      workflowId: SCHEDULED_BACKUP,
      taskQueue: TASK_QUEUES.ops,
      args: [{ kind, parts: [...BACKUP_PARTS] } satisfies BackupInput],
      staticSummary: kind === 'full' ? 'A full backup, every night' : 'An incremental backup, every hour',
      typedSearchAttributes: [{ key: ProcessAttribute, value: 'backup' }],
    },
  };
}

const TRIES_AGAIN_MS = 30_000;

/** Until they are there once. */
export async function keepSchedules(
  temporal: Client,
  logger: Logger,
  stopping: AbortSignal,
  schedules = SCHEDULES,
): Promise<void> {
  while (!stopping.aborted) {
    try {
      return await ensureSchedules(temporal, schedules);
    } catch (err) {
      logger.warn({ err }, 'The schedules could not be made; Temporal may be away');
      await delay(TRIES_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
    }
  }
}

/** Repeats do no harm; whether an operator has paused one is left as it is. */
export async function ensureSchedules(temporal: Client, schedules = SCHEDULES): Promise<void> {
  for (const schedule of schedules) await ensureSchedule(temporal, schedule);
}

/** Where a store of Temporal is new. Those that are there stay as they are: an operator may be at work on one. */
export async function makeMissingSchedules(temporal: Client, schedules: readonly ScheduleOptions[]): Promise<void> {
  for (const schedule of schedules) {
    await temporal.schedule.create(schedule).catch((error) => {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    });
  }
}

async function ensureSchedule(temporal: Client, schedule: ScheduleOptions): Promise<void> {
  try {
    await temporal.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { spec, action, policies } = schedule;
    const handle = temporal.schedule.getHandle(schedule.scheduleId);
    await handle.update(({ state }) => ({ spec, action, ...(policies ? { policies } : {}), state }));
  }
}
