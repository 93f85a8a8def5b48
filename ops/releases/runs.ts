// Starts deployments and rollbacks, and asks whether a host is there to carry them out. For the commands and the API alike.
import type { Client } from '@temporalio/client';
import { uuidv7 } from 'uuidv7';
import { type DeploymentInput, deploymentWorkflowId } from '../../workflows/contracts/deployment';
import { abort } from '../../workflows/contracts/releases';
import { confirmRollback, type RollbackInput, rollbackWorkflowId } from '../../workflows/contracts/rollback';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { OPERATOR } from '../recovery/restore-actions';
import { start } from '../recovery/runs';
import { isPolled } from '../runtime/pollers';

const ANSWERS_WITHIN_MS = 2_000;

export const NO_HOST =
  'Nothing here rolls releases out or back: start the releases host (`npm start` does; else `node dist/worker/releases.js` with RELEASES_DRIVER, docs/releases.md).';

/** Throws while Temporal is away. */
export const isHostThere = (temporal: Client): Promise<boolean> =>
  isPolled(temporal, { taskQueue: TASK_QUEUES.releases, type: 'activities', answersWithinMs: ANSWERS_WITHIN_MS });

/** @param given `rollbackId` if a note with the reason has it already. @returns the id */
export async function startRollback(
  temporal: Client,
  given: Omit<RollbackInput, 'rollbackId'> & { rollbackId?: string },
): Promise<string> {
  const { rollbackId = uuidv7(), ...rest } = given;
  const summary = `${given.dryRun ? 'Rehearsal of a rollback' : 'Rollback'} to ${given.to ?? 'the previous release'}`;
  const input: RollbackInput = { rollbackId, ...rest };
  await start(temporal, 'rollback', rollbackWorkflowId(rollbackId), input, summary, TASK_QUEUES.releases);
  return rollbackId;
}

export async function startDeployment(temporal: Client, to: string): Promise<string> {
  const deploymentId = uuidv7();
  const input: DeploymentInput = { deploymentId, to };
  const workflowId = deploymentWorkflowId(deploymentId);
  await start(temporal, 'deployment', workflowId, input, `Deployment of ${to}`, TASK_QUEUES.releases);
  return deploymentId;
}

export const confirm = (temporal: Client, rollbackId: string, actor = OPERATOR): Promise<void> =>
  temporal.workflow.getHandle(rollbackWorkflowId(rollbackId)).signal(confirmRollback, { actor });

/** @param workflowId of a rollback or a deployment */
export const giveUp = (temporal: Client, workflowId: string, actor = OPERATOR): Promise<void> =>
  temporal.workflow.getHandle(workflowId).signal(abort, { actor });
