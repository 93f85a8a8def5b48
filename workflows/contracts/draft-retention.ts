// One run of the drafts' retention: its id, and what it tells. Ids, times and counts only.
import { defineQuery } from '@temporalio/workflow';

/** Without an id the run makes its own row: a schedule started it. */
export interface DraftRetentionInput {
  cleanupId?: string;
}

export interface CleanupProgress {
  status: 'running' | 'partial' | 'done' | 'failed';
  drafts: number;
  held: number;
}

export const cleanupWorkflowId = (cleanupId: string) => `cleanup-${cleanupId}`;
export const DRAFT_RETENTION_SCHEDULE = 'draft-retention';

export const progress = defineQuery<CleanupProgress>('progress');
