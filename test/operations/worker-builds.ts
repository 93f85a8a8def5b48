// Builds of the worker side by side, as an operator rolls them out.
import type { TestNamespace } from '../support/temporal';
import { until } from '../support/until';

/** Once its workers are there. */
export function makeCurrent({ client, namespace }: TestNamespace, buildId: string): Promise<unknown> {
  return until(`${buildId} is the current build`, () =>
    client.workflowService
      .setWorkerDeploymentCurrentVersion({ namespace, deploymentName: 'countersign', buildId })
      .catch(() => null),
  );
}
