// What comes after a restore: what was lost is brought back or given up, and only then is mail sent again; or all is undone.
import { defineQuery } from '@temporalio/workflow';
import type { RecoveryProgress } from './recovery-progress';

export const reconcileWorkflowId = (restoreId: string) => `reconcile-${restoreId}`;
export const undoWorkflowId = (restoreId: string) => `undo-${restoreId}`;

export interface FollowUpInput {
  restoreId: string;
  /** Of a reconcile: nothing is brought back, mail is sent again. */
  acceptLoss?: boolean;
}

export type FollowUpStep = 'truth' | 'reconcile' | 'release' | 'rewind' | 'switch' | 'lost';

export interface FollowUpResult {
  /** Of an undo: its own, since it is a restore too. */
  restoreId: string;
  /** Drafts that were brought back to their true state. */
  drafts: number;
}

export const progress = defineQuery<RecoveryProgress<FollowUpStep, FollowUpResult>>('progress');
