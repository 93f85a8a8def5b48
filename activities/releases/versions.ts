// Tells Temporal which build is the current one, and asks which runs are pinned to a build (docs/upgrades.md).
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { ReleaseName } from '../../workflows/contracts/releases';

const ANSWERS_WITHIN_MS = 10_000;
const MOST_NAMED = 5;

/** A version without workers becomes current only once they poll, so this may fail for a moment. */
export function makeCurrent(temporal: Client, deploymentName: string, { buildId }: ReleaseName): Promise<void> {
  const { namespace } = temporal.options;
  return temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, async () => {
    await temporal.workflowService
      // An empty id means the workers without one.
      .setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId: buildId ?? '' })
      .catch((error) => {
        throw ApplicationFailure.retryable(`Temporal does not make ${buildId} current yet`, `grpc_${error.code}`);
      });
  });
}

/** Returns the ids of open runs that end on this build: at most five, and how many there are. */
export async function listPinned(
  temporal: Client,
  deploymentName: string,
  { buildId }: ReleaseName,
): Promise<{ count: number; ids: string[] }> {
  if (buildId === null) return { count: 0, ids: [] };
  const query = `TemporalWorkerDeploymentVersion = '${deploymentName}:${buildId}' AND TemporalWorkflowVersioningBehavior = 'Pinned' AND ExecutionStatus = 'Running'`;
  return temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, async () => {
    const { count } = await temporal.workflow.count(query);
    const ids: string[] = [];
    if (count === 0) return { count, ids };
    for await (const { workflowId } of temporal.workflow.list({ query })) {
      ids.push(workflowId);
      if (ids.length === MOST_NAMED) break;
    }
    return { count, ids };
  });
}
