// Seals the audit trail as its events come, and anchors its head beside the backups. Each worker process tries; one at a time
// does it. A store that is away holds up anchors, never seals.
import { setTimeout as delay } from 'node:timers/promises';
import { anchorHead } from '../activities/audit-trail/anchors';
import type { EventRow } from '../activities/audit-trail/events';
import { createSealer } from '../activities/audit-trail/seal';
import type { Signer } from '../activities/audit-trail/signatures';
import type { Logger } from '../ops/runtime/logging';
import type { ObjectStore } from '../ops/runtime/object-store';
import { createOutage } from '../ops/runtime/outage';
import type { Database } from '../prisma/client';

const LOOKS_EACH_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

export interface SealerDependencies {
  db: Database;
  /** Below BACKUP_URL. */
  backups: ObjectStore;
  signer: Signer;
  /** Whether the server that answers has been compared with what is known, and mail is not held. */
  mayAnchor(): Promise<boolean>;
  /** Hears of every event that this process has sealed. */
  noteSealed(events: readonly EventRow[]): void;
  logger: Logger;
}

/** @param othersEnded whatever else this process does may commit until then: its end is anchored once more */
export async function keepSealing(
  dependencies: SealerDependencies,
  stopping: AbortSignal,
  othersEnded: Promise<void>,
): Promise<void> {
  const sealBatch = createSealer(dependencies.db);
  const seal = async () => {
    const sealed = await sealBatch();
    if (sealed) dependencies.noteSealed(sealed.events);
    return sealed;
  };
  const anchor = createAnchoring(dependencies);
  await Promise.all([
    keep(() => seal().then((sealed) => sealed?.isMore ?? false), 'sealed'),
    keep(() => anchor(false), 'anchored'),
  ]);
  await anchorLast();
  await othersEnded;
  await anchorLast();

  /** Whoever brings an older database back after this is found out by it. */
  async function anchorLast(): Promise<void> {
    await seal()
      .then(() => anchor(true))
      .catch(() => {});
  }

  /** @param act whether there is more to do at once */
  async function keep(act: () => Promise<boolean>, done: string): Promise<void> {
    const outage = createOutage({
      logger: dependencies.logger,
      began: `The audit trail could not be ${done}`,
      ended: `The audit trail is ${done} again`,
      firstMs: LOOKS_EACH_MS,
      mostMs: LONGEST_RETRY_MS,
    });
    while (!stopping.aborted) {
      const waitMs = await act().then(
        (more) => {
          outage.worked();
          return more ? 0 : LOOKS_EACH_MS;
        },
        (err) => outage.failed(err),
      );
      if (waitMs > 0) await delay(waitMs, undefined, { signal: stopping }).catch(() => {});
    }
  }
}

function createAnchoring({
  db,
  backups,
  signer,
  mayAnchor,
  logger,
}: SealerDependencies): (isLast: boolean) => Promise<boolean> {
  let told: bigint | null = null;
  return async (isLast) => {
    if (!(await mayAnchor())) return false;
    const anchored = await anchorHead({ db, store: backups, signer }, new Date(), isLast);
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
