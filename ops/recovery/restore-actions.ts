// What is done with a restore once it is under way or over. Each is one function, so that what it starts can change.
import type { Client } from '@temporalio/client';
import { BOOTSTRAP_ADMIN } from '../../activities/commands/context';
import { abort, confirmSwitch, restoreWorkflowId } from '../../workflows/contracts/restore';
import { reconcileWorkflowId, undoWorkflowId } from '../../workflows/contracts/restore-follow-up';
import { startAgain } from './runs';

/** Whoever may run our commands on this machine holds ADMIN_PASSWORD too. */
export const OPERATOR = BOOTSTRAP_ADMIN.id;

export const confirmRestore = (temporal: Client, restoreId: string, actor = OPERATOR): Promise<void> =>
  temporal.workflow.getHandle(restoreWorkflowId(restoreId)).signal(confirmSwitch, { actor });

export const abortRestore = (temporal: Client, restoreId: string, actor = OPERATOR): Promise<void> =>
  temporal.workflow.getHandle(restoreWorkflowId(restoreId)).signal(abort, { actor });

/** Brings each draft back to its true state; with `acceptLoss` as far as it is known. @returns the workflow to follow */
export async function reconcileRestore(temporal: Client, restoreId: string, acceptLoss: boolean): Promise<string> {
  const workflowId = reconcileWorkflowId(restoreId);
  await startAgain(temporal, 'reconcileRestore', workflowId, { restoreId, acceptLoss });
  return workflowId;
}

/** Back to the cluster that lived before. @returns the workflow to follow */
export async function undoRestore(temporal: Client, restoreId: string): Promise<string> {
  const workflowId = undoWorkflowId(restoreId);
  await startAgain(temporal, 'undoRestore', workflowId, { restoreId });
  return workflowId;
}
