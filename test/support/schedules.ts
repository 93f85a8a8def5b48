// The schedules of a test's namespace, made without a worker.
import type { Client } from '@temporalio/client';
import { ensureSchedules, RECOVERY_SCHEDULES } from '../../worker/schedules';
import { until } from './until';

/** A new namespace knows its search attributes a moment later. */
export const makeSchedules = (temporal: Client, schedules?: Parameters<typeof ensureSchedules>[1]) =>
  until('the schedules are made', () =>
    ensureSchedules(temporal, schedules).then(
      () => true,
      () => false,
    ),
  );

/** Backups and drills that the clock starts, half past each hour, would come between those that a test counts. A worker leaves
 *  paused what is paused before it comes; a trigger still starts one. */
export async function pauseBackups(temporal: Client): Promise<void> {
  await makeSchedules(temporal, RECOVERY_SCHEDULES);
  for (const { scheduleId } of RECOVERY_SCHEDULES) await temporal.schedule.getHandle(scheduleId).pause();
}
