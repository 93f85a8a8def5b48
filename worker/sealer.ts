// The audit trail is sealed as its events come, and its head is anchored beside the backups. Each worker process tries; one
// at a time does it. A store that is away holds up anchors, never seals.
import { setTimeout as delay } from 'node:timers/promises';
import { anchorHead } from '../activities/audit-trail/anchors';
import { createSealer } from '../activities/audit-trail/seal';
import type { Signer } from '../activities/audit-trail/signatures';
import type { Logger } from '../ops/runtime/logging';
import type { ObjectStore } from '../ops/runtime/object-store';
import type { Database } from '../prisma/client';

const LOOKS_EACH_MS = 1_000;

export interface SealerDependencies {
  db: Database;
  /** Below BACKUP_URL. */
  backups: ObjectStore;
  signer: Signer;
  logger: Logger;
}

export async function keepSealing(dependencies: SealerDependencies, stopping: AbortSignal): Promise<void> {
  const seal = createSealer(dependencies.db);
  await Promise.all([
    keep(() => seal().then((sealed) => sealed?.isMore ?? false), 'The audit trail could not be sealed'),
    keep(createAnchoring(dependencies), 'The audit trail could not be anchored'),
  ]);

  /** @param act whether there is more to do at once */
  async function keep(act: () => Promise<boolean>, trouble: string): Promise<void> {
    let isFailing = false;
    while (!stopping.aborted) {
      const isMore = await act().then(
        (more) => {
          isFailing = false;
          return more;
        },
        (err) => {
          // Told once for each time that it begins to fail.
          if (!isFailing) dependencies.logger.warn({ err }, trouble);
          isFailing = true;
          return false;
        },
      );
      if (!isMore) await delay(LOOKS_EACH_MS, undefined, { signal: stopping }).catch(() => {});
    }
  }
}

function createAnchoring({ db, backups, signer, logger }: SealerDependencies): () => Promise<boolean> {
  let told: bigint | null = null;
  return async () => {
    const anchored = await anchorHead({ db, store: backups, signer });
    if (anchored && !anchored.isSame && anchored.position !== told) {
      told = anchored.position;
      logger.error(
        { position: Number(told) },
        'An anchor of the audit trail says otherwise: run `npm run audit:verify`',
      );
    }
    return false;
  };
}
