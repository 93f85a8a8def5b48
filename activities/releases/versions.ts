// Tells Temporal which build is the current one, and asks which runs are pinned to a build (docs/upgrades.md).
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { ReleaseName } from '../../workflows/contracts/releases';

const ANSWERS_WITHIN_MS = 10_000;
const MOST_NAMED = 5;

/** As Temporal's API numbers it (temporal.api.enums.v1.RoutingConfigUpdateState). */
const IN_PROGRESS = 1;

/**
 * Gives every new task to a build, and resolves once each task queue knows it.
 * Throws, to be tried again, as long as that is under way, or no worker of the build polls.
 */
export function makeCurrent(
  temporal: Client,
  deploymentName: string,
  { buildId }: Pick<ReleaseName, 'buildId'>,
): Promise<void> {
  const { namespace } = temporal.options;
  const { workflowService } = temporal;
  return temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, async () => {
    const notYet = (code: string) =>
      ApplicationFailure.retryable(`Temporal does not give every task to ${buildId} yet`, code);
    await workflowService
      // An empty id means the workers without one.
      .setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId: buildId ?? '' })
      .catch((error) => {
        throw notYet(`grpc_${error.code}`);
      });
    const { workerDeploymentInfo } = await workflowService.describeWorkerDeployment({ namespace, deploymentName });
    if (workerDeploymentInfo?.routingConfigUpdateState === IN_PROGRESS) throw notYet('routing_in_progress');
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
