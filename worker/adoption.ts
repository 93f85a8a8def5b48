// Starts the Temporal worker that adopts this database. Its queue carries the database's id, since another database may share Temporal.
import { setTimeout as delay } from 'node:timers/promises';
import type { NativeConnection } from '@temporalio/worker';
import { readDatabaseId } from '../activities/continuity/neighbours';
import type { Logger } from '../ops/runtime/logging';
import { createOutage } from '../ops/runtime/outage';
import type { Database } from '../prisma/client';
import { adoptionQueue } from '../workflows/contracts/adoption';
import { createAdoptionWorker, type SharedOptions } from './temporal-workers';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

export interface AdoptionWorker {
  connection: NativeConnection;
  db: Database;
  logger: Logger;
  options: SharedOptions;
}

/** Waits for the database. Returns a run that ends at `stopping`. */
export async function startAdoptionWorker(
  { connection, db, logger, options }: AdoptionWorker,
  activities: object,
  stopping: AbortSignal,
): Promise<{ run: Promise<void> }> {
  const outage = createOutage({
    logger,
    began: 'The database is away; this worker waits for it',
    ended: 'The database is there',
    firstMs: FIRST_RETRY_MS,
    mostMs: LONGEST_RETRY_MS,
  });
  while (!stopping.aborted) {
    try {
      const queue = adoptionQueue(await readDatabaseId(db));
      outage.worked();
      const worker = await createAdoptionWorker(connection, { ...options, queue, activities });
      const run = worker.run();
      stopping.addEventListener('abort', () => worker.shutdown(), { once: true });
      return { run };
    } catch (err) {
      await delay(outage.failed(err), undefined, { signal: stopping }).catch(() => {});
    }
  }
  return { run: Promise.resolve() };
}
