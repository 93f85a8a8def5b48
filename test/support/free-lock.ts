// The operations lock and the restore points as workflow tests play them: free at once, and noted.
import type { OperationsActivities } from '../../activities/operations';
import type { RestorePointActivities } from '../../activities/restore-points';

export interface FreeLock {
  activities: OperationsActivities & RestorePointActivities;
  /** What was asked for, in order. */
  asked: string[];
}

export function freeLock(): FreeLock {
  const asked: string[] = [];
  const activities: FreeLock['activities'] = {
    async acquireOperations({ process }) {
      asked.push(`acquire ${process}`);
    },
    async releaseOperations({ process }) {
      asked.push(`release ${process}`);
    },
    async markRestorePoint({ process, id }) {
      asked.push(`mark ${process} ${id}`);
    },
  };
  return { activities, asked };
}
