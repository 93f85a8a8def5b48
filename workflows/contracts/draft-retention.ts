// One run of the drafts' retention: its id, and what it tells. Ids, times and counts only.
import { defineQuery, defineSignal } from '@temporalio/workflow';

/** Plain JSON, carried across continue-as-new. Without an id the run makes its own row: a schedule started it. */
export interface DraftRetentionInput {
  cleanupId?: string;
  /** How often it has come to the end and found some left. */
  passes?: number;
}

export interface CleanupProgress {
  status: 'running' | 'partial' | 'done' | 'failed';
  drafts: number;
  held: number;
}

/** Why a run is not `done`. */
export type CleanupReason = 'cancelled' | 'locked' | 'gave_up' | 'abandoned';

export const cleanupWorkflowId = (cleanupId: string) => `cleanup-${cleanupId}`;
export const DRAFT_RETENTION_SCHEDULE = 'draft-retention';

/** What the outbox starts a run with. It reads its row, so it needs to hear no more. */
export const changed = defineSignal<[{ generation: number; version: number; status: string }]>('changed');
export const progress = defineQuery<CleanupProgress | null>('progress');
