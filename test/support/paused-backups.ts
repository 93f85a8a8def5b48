// Backups and drills that the clock starts, half past each hour, would come between those that a test counts.
import type { Client } from '@temporalio/client';
import { ensureSchedules, RECOVERY_SCHEDULES } from '../../worker/schedules';
import { until } from './until';

/** Before the first worker, which leaves them paused; a trigger still starts one. */
export async function pauseBackups(temporal: Client): Promise<void> {
  await until('the namespace knows its search attributes', () =>
    ensureSchedules(temporal, RECOVERY_SCHEDULES).then(
      () => true,
      () => false,
    ),
  );
  for (const { scheduleId } of RECOVERY_SCHEDULES) await temporal.schedule.getHandle(scheduleId).pause();
}
