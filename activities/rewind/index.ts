// Nothing is sent twice because time was rewound, and nothing acknowledged is lost that still stands somewhere (docs/rewind.md).
export type { DraftAt, Truth } from './differences';
export type { JournalSources } from './journal-claims';
export { endAsKnown } from './known-ends';
export { type BeginNewLife, beginNewLife, type Life, NoNewLife, readLife } from './life';
export { type FindLost, findLost, type Lost, type LostDraft, type LostErasure, streamLost } from './lost';
export { LaneNotHeld, type Marked, type MarkSent, markSent } from './mark-sent';
export { type Reconcile, type Reconciled, reconcile } from './reconcile';
export { NotReadyForRelease, releaseLanes } from './release';
