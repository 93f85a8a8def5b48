// One backup: its id, what starts it, and what it tells. Ids, codes, times and counts only.
import { defineQuery } from '@temporalio/workflow';
import type { RecoveryProgress } from './recovery-progress';

export const NIGHTLY_BACKUP_SCHEDULE = 'nightly-backup';
export const HOURLY_BACKUP_SCHEDULE = 'hourly-backup';
export const toSetId = (at: Date) => `${at.toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`;
/** What the time of a schedule's run is appended to. */
export const SCHEDULED_BACKUP = 'backup';
export const backupWorkflowId = (setId: string) => `backup-${setId}`;

export const BACKUP_PARTS = ['postgres', 'redis', 'files'] as const;
export type BackupPart = (typeof BACKUP_PARTS)[number];
export type BackupKind = 'full' | 'incr';

export interface BackupInput {
  /** The id of the set, `20260123T180000Z`; a schedule's run takes the time of its start. */
  setId?: string;
  kind: BackupKind;
  parts: BackupPart[];
  /** Refuses if another operation holds the lock, instead of waiting for it. */
  noWait?: boolean;
}

export type BackupStep = 'postgres' | 'redis' | 'files' | 'verify' | 'manifest' | 'prune';

export interface BackupResult {
  setId: string;
  kind: BackupKind;
  /** Bytes: of what was backed up, and of what this set added to the backups. */
  size: number;
  stored: number;
  /** Segments of the log in the repository that were looked at. */
  walChecked: number;
  /** Sets that went by age. */
  pruned: string[];
}

export const progress = defineQuery<RecoveryProgress<BackupStep, BackupResult>>('progress');
