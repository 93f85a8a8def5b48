// The files of a cluster restored by the workflow next to pgBackRest alone, from the same backup.
import { chownSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { uuidv7 } from 'uuidv7';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { restoreDrill } from '../../workflows';
import { progress, restoreDrillWorkflowId } from '../../workflows/contracts/restore-drill';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { now } from './clock';

/** In seconds. */
export async function restoreBare({ pgbackrest, host }: RecoveryTools): Promise<number> {
  const data = join(host.home, 'bare');
  mkdirSync(data, { mode: 0o700 });
  if (host.user) chownSync(data, host.user.uid, host.user.gid);
  const began = now();
  await pgbackrest.run('restore', [], { options: { 'pg1-path': data } });
  const seconds = (now() - began) / 1_000;
  rmSync(data, { recursive: true });
  return seconds;
}

/** A drill goes by the steps of a restore. @returns seconds: the step that brings the files, and the whole, until it is proven */
export async function drill(temporal: Client): Promise<{ step: number; whole: number }> {
  const drillId = uuidv7();
  const handle = await temporal.workflow.start<typeof restoreDrill>('restoreDrill', {
    workflowId: restoreDrillWorkflowId(drillId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ drillId }],
  });
  const { recoverySeconds } = await handle.result();
  const { steps } = await handle.query(progress);
  const { startedAt, finishedAt } = steps.find(({ step }) => step === 'postgres') ?? { startedAt: '', finishedAt: '' };
  return { step: (Date.parse(finishedAt ?? '') - Date.parse(startedAt)) / 1_000, whole: recoverySeconds ?? Number.NaN };
}
