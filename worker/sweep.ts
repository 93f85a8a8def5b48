// Attachments that nobody names any more go after a day, exports once they have expired.
import { setTimeout as delay } from 'node:timers/promises';
import { sweepUnusedAttachments } from '../activities/attachments';
import { sweepExports } from '../activities/person-export/removal';
import type { Logger } from '../ops/runtime/logging';
import type { ObjectStore } from '../ops/runtime/object-store';
import type { Database } from '../prisma/client';

const SWEEPS_EACH_MS = 3_600_000;
const KEPT_MS = 24 * 3_600_000;

/** Many workers may sweep at once. */
export async function keepSweeping(
  { db, files, logger }: { db: Database; files: ObjectStore; logger: Logger },
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    await sweepUnusedAttachments(db, files, new Date(Date.now() - KEPT_MS)).then(
      (removed) => logger.info({ removed }, 'Unused attachments are swept'),
      (err) => logger.warn({ err }, 'Unused attachments could not be swept; the next sweep takes them'),
    );
    await sweepExports(db, files).then(
      (removed) => logger.info({ removed }, 'Expired exports are swept'),
      (err) => logger.warn({ err }, 'Expired exports could not be swept; the next sweep takes them'),
    );
    await delay(SWEEPS_EACH_MS, undefined, { signal: stopping }).catch(() => {});
  }
}
