// A worker that polls for activities and has none to do.
import { Worker } from '@temporalio/worker';
import { isPolled } from '../../ops/runtime/pollers';
import type { TestNamespace } from './temporal';
import { until } from './until';

/** Resolves when Temporal knows of it. @returns its end */
export async function startIdleWorker(temporal: TestNamespace, taskQueue: string): Promise<() => Promise<void>> {
  const worker = await Worker.create({
    connection: await temporal.nativeConnection(),
    namespace: temporal.namespace,
    taskQueue,
    activities: { nothing: async () => {} },
  });
  const ended = worker.run();
  await until('the worker is known', () =>
    isPolled(temporal.client, { taskQueue, type: 'activities', answersWithinMs: 2_000 }),
  );
  return async () => {
    worker.shutdown();
    await ended;
  };
}
