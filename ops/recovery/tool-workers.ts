// Whether somebody is there who can back up and restore: a worker on the database's host, with pgBackRest.
import type { Client } from '@temporalio/client';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { HOW_TO_GET_IT } from '../local/binaries/pgbackrest';
import { isPolled } from '../runtime/pollers';

const ANSWERS_WITHIN_MS = 2_000;

export const NO_TOOLS = `No worker is there that can back up and restore. Either none runs on the database's host (npm start, or npm run start:worker); or POSTGRES_HOME or BACKUP_PASSPHRASE is not set for it, and its log says which; or pgBackRest is missing there: ${HOW_TO_GET_IT}.`;

/** Throws while Temporal is away. The workflows of `ops` run without the tools, its activities do not. */
export const isToolWorkerThere = (temporal: Client): Promise<boolean> =>
  isPolled(temporal, { taskQueue: TASK_QUEUES.ops, type: 'activities', answersWithinMs: ANSWERS_WITHIN_MS });
