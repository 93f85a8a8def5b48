// Whether somebody is there who can back up and restore: a worker on the database's host, with pgBackRest.
import type { Client } from '@temporalio/client';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { HOW_TO_GET_IT } from '../local/binaries/pgbackrest';

const ANSWERS_WITHIN_MS = 2_000;
/** TASK_QUEUE_TYPE_ACTIVITY of Temporal's API: workflows of `ops` run without the tools. */
const ACTIVITIES = 2;
/** A poll lasts a minute; Temporal remembers one that has died for five. */
const POLLED_WITHIN_MS = 90_000;

export const NO_TOOLS = `No worker is there that can back up and restore. Either none runs on the database's host (npm start, or npm run start:worker); or POSTGRES_HOME or BACKUP_PASSPHRASE is not set for it, and its log says which; or pgBackRest is missing there: ${HOW_TO_GET_IT}.`;

/** Throws while Temporal is away. */
export async function isToolWorkerThere(temporal: Client): Promise<boolean> {
  const { namespace } = temporal.options;
  const { pollers } = await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () =>
    temporal.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: TASK_QUEUES.ops },
      taskQueueType: ACTIVITIES,
    }),
  );
  const oldest = (Date.now() - POLLED_WITHIN_MS) / 1000;
  return (pollers ?? []).some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) >= oldest);
}
