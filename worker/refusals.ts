// Writes the counts of repeated refusals into the audit trail once their minute is over.
import { setTimeout as delay } from 'node:timers/promises';
import { recordCounts } from '../activities/commands/refusals';
import type { Logger } from '../ops/runtime/logging';
import type { Database } from '../prisma/client';

const EACH_MS = 15_000;

/** Many workers may do it at once. */
export async function keepRefusals(
  { db, logger }: { db: Database; logger: Logger },
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    await recordCounts(db).catch((err) =>
      logger.warn({ err }, 'Refusals could not be counted; the next try takes them'),
    );
    await delay(EACH_MS, undefined, { signal: stopping }).catch(() => {});
  }
}
