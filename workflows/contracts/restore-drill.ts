// One drill: a backup restored into a throw-away database, as the disaster would have it. Ids, codes, times and counts only.
import { defineQuery } from '@temporalio/workflow';
import type { RecoveryProblem, RecoveryProgress } from './recovery-progress';
import type { RestorePlan } from './restore';

export const RESTORE_DRILL_SCHEDULE = 'restore-drill';
export const restoreDrillWorkflowId = (drillId: string) => `restore-drill-${drillId}`;

export interface RestoreDrillInput {
  /** A UUIDv7; a schedule's run makes its own. */
  drillId?: string;
}

export type RestoreDrillStep =
  | 'preflight'
  | 'postgres'
  | 'recover'
  | 'check'
  | 'rewind'
  | 'files'
  | 'switch'
  | 'report';

/** Counts of what was decrypted and compared; null if the set has no such part. */
export interface DrillParts {
  files: { files: number; bytes: number } | null;
  redis: { bytes: number } | null;
}

export interface DrillReport {
  id: string;
  outcome: 'PROVEN' | 'NOT PROVEN';
  startedAt: string;
  finishedAt: string;
  /** Null where it came to none. */
  plan: RestorePlan | null;
  /** From the decision to restore until the restored database answered after the switch; null where it was not proven. */
  recoverySeconds: number | null;
  /** What would have been lost, had the database's disk died as the drill began: the age of the oldest change not kept yet. */
  pointSeconds: number | null;
  /** How long each step took that has ended. `rewind` and `files` carry out the erasure ledger too. */
  stepSeconds?: Partial<Record<RestoreDrillStep, number>>;
  /** Rows of each table that was counted, and events of the audit chain that were recomputed. */
  rows: Record<string, number>;
  auditEvents: number;
  /** Where a provider keeps the database: what of the set was read back whole. */
  parts?: DrillParts;
  problem: RecoveryProblem | null;
}

export const progress = defineQuery<RecoveryProgress<RestoreDrillStep, DrillReport>>('progress');
