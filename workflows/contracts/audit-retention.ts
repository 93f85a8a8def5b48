// One run of the audit trail's retention: counts and times only.
import { defineQuery } from '@temporalio/workflow';

export interface AuditRetentionInput {
  /** Of the whole run, which names its restore point. */
  id?: string;
  /** ISO 8601: events before it go. Without it the run has just begun. */
  before?: string;
  /** By earlier runs of the same. */
  pruned?: number;
}

export interface AuditRetentionProgress {
  status: 'verifying' | 'pruning' | 'done';
  before: string | null;
  pruned: number;
}

export const AUDIT_RETENTION_SCHEDULE = 'audit-retention';

export const progress = defineQuery<AuditRetentionProgress>('progress');
