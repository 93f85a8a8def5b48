// Whether a worker is there for a task queue: whether somebody polls it.
import type { Client } from '@temporalio/client';

/** As Temporal's API numbers them (temporal.api.enums.v1.TaskQueueType). */
const TYPES = { workflows: 1, activities: 2 };
/** A poll lasts a minute; Temporal remembers one that has died for five. */
const POLLED_WITHIN_MS = 90_000;

export interface Asked {
  taskQueue: string;
  type: keyof typeof TYPES;
  answersWithinMs: number;
}

/** Throws while Temporal is away. */
export async function isPolled(
  temporal: Client,
  { taskQueue, type, answersWithinMs }: Asked,
  now = Date.now(),
): Promise<boolean> {
  const { namespace } = temporal.options;
  const { pollers } = await temporal.withDeadline(Date.now() + answersWithinMs, () =>
    temporal.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: TYPES[type],
    }),
  );
  const oldest = (now - POLLED_WITHIN_MS) / 1000;
  return (pollers ?? []).some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) >= oldest);
}
