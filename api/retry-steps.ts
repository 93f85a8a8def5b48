// Lets Temporal retry at once the steps of processes that wait for a service.
import type { Client } from '@temporalio/client';
import { activityOf } from '../activities/failing-steps/step';
import type { Database } from '../prisma/client';

/** What one request may ask of Temporal; the others follow when their backoff ends. */
const MOST_AT_ONCE = 100;
const NOT_FOUND = 5;

/** A step whose process is not waiting for an attempt of it just now is passed over. */
export async function retrySteps({ db, temporal }: { db: Database; temporal: Client }, service: string): Promise<void> {
  const { namespace } = temporal.options;
  const rows = await db.failingStep.findMany({
    where: { service, isLocal: false },
    orderBy: { since: 'asc' },
    take: MOST_AT_ONCE,
  });
  await Promise.all(
    rows.map(({ workflowId, step }) =>
      temporal.workflowService
        .resetActivity({ namespace, execution: { workflowId }, type: activityOf(step), identity: 'countersign api' })
        .catch((error) => {
          if (error.code !== NOT_FOUND) throw error;
        }),
    ),
  );
}
