// The approval of one draft: its id, and what may be said to it. Ids and codes only.
import { defineQuery, defineSignal } from '@temporalio/workflow';

export const DRAFT_STATUSES = [
  'pending_review',
  'changes_requested',
  'approved',
  'rejected',
  'expired',
  'withdrawn',
  'scheduled',
  'sending',
  'sent',
  'failed',
  'blocked',
  'erased',
] as const;
export type DraftStatus = (typeof DRAFT_STATUSES)[number];

/** The whole small state of a draft. The highest (generation, version) wins, so order and repeats don't matter. */
export interface DraftState {
  generation: number;
  version: number;
  status: DraftStatus;
  revision: number;
  /** The deadline of the decision, ISO 8601. */
  expiresAt: string | null;
  /** The time of the send, ISO 8601. */
  dueAt: string | null;
  /** `unknown` with status `failed` is a parked draft, which waits for a person. */
  outcome: string | null;
}

export interface DraftApprovalInput {
  draftId: string;
}

export const draftApprovalId = (draftId: string) => `draft-${draftId}`;

export const changed = defineSignal<[DraftState]>('changed');
/** Null until the run has read its row. */
export const state = defineQuery<DraftState | null>('state');

export const isParked = (draft: Pick<DraftState, 'status' | 'outcome'>) =>
  draft.status === 'failed' && draft.outcome === 'unknown';

const FINAL: ReadonlySet<DraftStatus> = new Set([
  'rejected',
  'expired',
  'withdrawn',
  'sent',
  'failed',
  'blocked',
  'erased',
]);
/** Whether nothing is left to wait for. */
export const isFinal = (draft: Pick<DraftState, 'status' | 'outcome'>) => FINAL.has(draft.status) && !isParked(draft);

type Age = Pick<DraftState, 'generation' | 'version'>;
export const isNewer = (a: Age, b: Age) =>
  a.generation > b.generation || (a.generation === b.generation && a.version > b.version);
