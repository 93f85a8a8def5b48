// Builds of the worker side by side, as an operator rolls them out.
import { makeCurrent as askOnce } from '../../activities/releases/versions';
import type { TestNamespace } from '../support/temporal';
import { until } from '../support/until';

/** Once its workers are there. */
export function makeCurrent({ client }: TestNamespace, buildId: string): Promise<unknown> {
  return until(`${buildId} is the current build`, () =>
    askOnce(client, 'countersign', { buildId }).then(
      () => true,
      () => null,
    ),
  );
}
