// The steps of the audit trail's retention.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Configuration } from '../ops/runtime/configuration';
import type { ObjectStore } from '../ops/runtime/object-store';
import type { Database } from '../prisma/client';
import { forgetAnchors } from './audit-trail/anchors';
import { readCheckpoint } from './audit-trail/checkpoints';
import { pruneEvents } from './audit-trail/prune';
import type { Signer } from './audit-trail/signatures';
import { isUnchecked, type Verification, verifyTrail } from './audit-trail/verify';
import { beating } from './beating';

const BATCH = 5_000;

export interface AuditRetentionDependencies {
  db: Database;
  backups: ObjectStore;
  signer: Signer;
  settings: Pick<Configuration, 'AUDIT_RETENTION_DAYS'>;
  noteVerification(found: Verification): void;
}

export function createAuditRetentionActivities(dependencies: AuditRetentionDependencies) {
  const { db, backups, signer, settings, noteVerification } = dependencies;
  return {
    /** Fails where the trail is broken. @returns before which time events may go, by the database's clock */
    async verifyAudit(): Promise<string> {
      const context = Context.current();
      const found = await verifyTrail({ db, store: backups, verifier: signer }, (checked) => {
        context.heartbeat(checked);
        context.cancellationSignal.throwIfAborted();
      });
      noteVerification(found);
      // An anchor that is missed may only be late to be seen, and another worker may have the key that this one lacks.
      if (isUnchecked(found)) throw ApplicationFailure.retryable(String(found.reason), 'AuditUnverified');
      if (!found.ok) throw ApplicationFailure.nonRetryable(String(found.reason), 'AuditBroken', found.firstBroken);
      const [row] = await db.$queryRaw<{ before: Date }[]>`
        SELECT clock_timestamp() - make_interval(days => ${settings.AUDIT_RETENTION_DAYS}::int) AS before`;
      return (row as { before: Date }).before.toISOString();
    },

    pruneAudit: (before: string): Promise<{ events: number; isMore: boolean }> =>
      beating(async () => {
        const events = await pruneEvents({ db, signer }, new Date(before), BATCH);
        return { events, isMore: events === BATCH };
      }),

    forgetOldAnchors: (): Promise<void> =>
      beating(async () => {
        const checkpoint = await readCheckpoint(db);
        if (checkpoint) await forgetAnchors(backups, checkpoint.position);
      }),
  };
}

export type AuditRetentionActivities = ReturnType<typeof createAuditRetentionActivities>;
