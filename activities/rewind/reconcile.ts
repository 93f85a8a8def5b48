// Brings back what had been acknowledged and is lost: each draft in its true state, and every promise to a person. What did
// not change since the restored moment stays as the restored database has it, so that whatever it was restored for is not
// brought back.
import type { Database } from '../../prisma/client';
import { type ReplayDependencies, replayLedger } from '../erasure-ledger/replay';
import type { Truth } from './differences';
import type { JournalSources } from './journal-claims';
import { readKnown } from './known';
import { recordChapter, requireLife } from './life';
import { assertHeld, markClaims } from './mark-sent';
import { reconcileDrafts } from './reconcile-drafts';
import { copyAllEvents } from './reconcile-events';
import { copyErasures, copyHolds, copyPrincipals, copySuppressions } from './reconcile-people';

export interface Reconcile extends JournalSources {
  /** In its new life, its lanes held. */
  restored: Database;
  truth: Truth;
  /** Of the restored database. */
  erasures: ReplayDependencies;
}

export interface Reconciled {
  drafts: number;
  superseded: number;
  holds: number;
  erasures: number;
  suppressions: number;
  events: number;
  /** Beyond the end of the truth, by the journal. */
  parked: number;
  complete: boolean;
}

/** Idempotent; one that was cut off goes on where there is still something to do. The lanes stay held until it has ended. */
export async function reconcile({ restored, truth, erasures, ...sources }: Reconcile): Promise<Reconciled> {
  const life = await requireLife(restored);
  await assertHeld(restored);
  await recordChapter(restored, life, 'reconcile_begun', {});
  const standIns = await copyPrincipals(restored, truth.db);
  const holds = await copyHolds(restored, truth.db);
  const people = {
    holds,
    erasures: await copyErasures(restored, truth.db, life),
    suppressions: await copySuppressions(restored, truth.db, life),
  };
  let drafts = await reconcileDrafts(restored, truth, life, standIns);
  if (drafts.passedOver > 0) {
    const again = await reconcileDrafts(restored, truth, life, standIns);
    drafts = { ...again, drafts: drafts.drafts + again.drafts };
  }
  const events = await copyAllEvents(restored, truth.db, life);
  // With its words others may have come back that mention somebody who has been erased.
  await replayLedger(erasures, { again: true });
  const known = await readKnown(truth.db);
  const { parked, complete } = truth.isWhole ? WHOLE : await markClaims(restored, sources, known);
  await restored.instance.update({ where: { id: 1 }, data: { temporalNamespaceId: null } });
  const done = { ...people, drafts: drafts.drafts, superseded: drafts.superseded, events, parked, complete };
  await recordChapter(restored, life, 'reconciled', { ...done, ...known, whole: truth.isWhole });
  return done;
}

const WHOLE = { parked: 0, complete: true };
