// One restore: its id, its target, and what it tells. Ids, codes, times and counts only.
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { RecoveryProgress } from './recovery-progress';

export const restoreWorkflowId = (restoreId: string) => `restore-${restoreId}`;

export interface RestoreTarget {
  /** A set's id, `latest`, or the URL of a set or its manifest. */
  from: string;
  /** ISO 8601 with a zone; with neither this nor `before`, the state at the set's end. */
  time?: string;
  /** The id of an operation that recorded a restore point. */
  before?: string;
}

export interface RestoreInput {
  /** A UUIDv7. */
  restoreId: string;
  target: RestoreTarget;
  dryRun?: boolean;
  /** Switches without being asked. */
  yes?: boolean;
}

export type RestoreStep =
  | 'preflight'
  | 'files'
  | 'postgres'
  | 'recover'
  | 'check'
  | 'rewind'
  | 'confirm'
  | 'switch'
  | 'redis'
  | 'lost';

export interface RestorePlan {
  setId: string;
  /** A moment, a restore point, the set's own end, or the end of all that was kept. */
  to: 'time' | 'restore_point' | 'set' | 'end';
  time: string | null;
  restorePoint: string | null;
  timeline: number;
  /** Bytes: of the cluster to be, and free where it is to lie. */
  size: number;
  free: number;
}

export interface RestoreResult {
  plan: RestorePlan;
  /** The folder of the restored cluster, and of the one before it (null where there was none). */
  cluster: string | null;
  previous: string | null;
  /** Of the last transaction that was recovered. */
  recoveredTo: string | null;
  generation: number | null;
  /** Drafts that the send journal marked: whether they went out is for `lost` and `--reconcile` to tell. */
  parked: number;
  /** False where the send journal may miss what was claimed last. */
  journalComplete: boolean;
  /** What had been acknowledged and is gone; null before the switch. */
  lost: LostSummary | null;
}

export interface LostSummary {
  /** False where nobody can say for sure that there is no more. */
  complete: boolean;
  drafts: number;
  decisions: number;
  sent: number;
}

export const confirmSwitch = defineSignal<[{ actor: string }]>('confirmSwitch');
export const abort = defineSignal<[{ actor: string }]>('abort');
export const progress = defineQuery<RecoveryProgress<RestoreStep, RestoreResult>>('progress');
