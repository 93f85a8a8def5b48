// One rollback to an earlier release: its id, its plan, and what it tells. Ids, codes, times and counts only.
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { RecoveryProgress } from './recovery-progress';
import type { HealthReport, ReleaseDetails } from './releases';

export const rollbackWorkflowId = (rollbackId: string) => `rollback-${rollbackId}`;

export interface RollbackInput {
  /** A UUIDv7; also the id of the operator's note with the reason, if one was given. */
  rollbackId: string;
  /** A version; the previous release unless given. */
  to?: string;
  /** Rehearses it on a copy, and changes nothing. */
  dryRun?: boolean;
  /** Goes on without being asked. */
  yes?: boolean;
}

export type RollbackStep =
  | 'plan'
  | 'rehearse'
  | 'confirm'
  | 'restore_point'
  | 'traffic_out'
  | 'workers'
  | 'database'
  | 'api'
  | 'watch'
  | 'undo_api'
  | 'undo_database'
  | 'undo_workers'
  | 'undo_traffic_out';

export interface UndoneMigration {
  migration: string;
  /** `column` is null for a whole table; `rows` counts values that are not null. */
  drops: { table: string; column: string | null; rows: number }[];
  deletes: { table: string; rows: number }[];
}

export interface RollbackPlan {
  from: ReleaseDetails;
  to: ReleaseDetails;
  /** Undone in this order, the newest first. */
  migrations: UndoneMigration[];
  /** Open runs that go on with the workflows of `to`, by type. All were replayed with them. */
  workflows: Record<string, number>;
  /** Mails that left since `from` became current: no rollback brings them back. Null if that is not known. */
  sent: number | null;
  /** The name of the point in the database's log that it makes first. */
  restorePoint: string;
  /** An estimate. */
  expectedSeconds: number;
}

export interface Rehearsal {
  /** `passed`: every step that can be rehearsed was done on a copy. */
  verdict: 'passed' | 'failed' | 'not_rehearsed';
  /** The set that the copy was made of; null if there was none. */
  setId: string | null;
  /** What the copy would have lost: rows and values by their migration. */
  migrations: UndoneMigration[];
  seconds: number;
  /** Why it did not pass. */
  problem: { code: string; message: string } | null;
}

export interface RollbackResult {
  plan: RollbackPlan;
  /** Of `dryRun`. */
  rehearsal: Rehearsal | null;
  health: HealthReport | null;
  /** The version that serves in the end: that of `to`, or that of `from` if a step failed and all was undone. */
  serving: string;
}

export const confirmRollback = defineSignal<[{ actor: string }]>('confirm');
export const plan = defineQuery<RollbackPlan | null>('plan');
export const progress = defineQuery<RecoveryProgress<RollbackStep, RollbackResult>>('progress');
