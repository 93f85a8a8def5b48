// Creates the Temporal worker that adopts this database. Its queue carries the database's id, since another database may share Temporal.
import type { NativeConnection, Worker } from '@temporalio/worker';
import { readDatabaseId } from '../activities/continuity/neighbours';
import { untilItWorks } from '../ops/runtime/outage';
import type { Database } from '../prisma/client';
import { adoptionQueue } from '../workflows/contracts/adoption';
import { createSmallWorker, type SharedOptions } from './temporal-workers';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

/** Waits for the database. Returns null if `stopping` came first. */
export function openAdoptionWorker(
  connection: NativeConnection,
  { db, ...options }: SharedOptions & { db: Database; activities: object },
  stopping: AbortSignal,
): Promise<Worker | null> {
  const create = async () =>
    createSmallWorker(connection, { ...options, queue: adoptionQueue(await readDatabaseId(db)) });
  const outage = {
    logger: options.logger,
    began: 'The database is away; this worker waits for it',
    ended: 'The database is there',
    firstMs: FIRST_RETRY_MS,
    mostMs: LONGEST_RETRY_MS,
  };
  return untilItWorks(create, outage, stopping);
}
