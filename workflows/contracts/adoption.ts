// Defines the adoption of a database that lost commits, was moved, or is a copy. Ids, codes and counts only.
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { RecoveryProgress } from './recovery-progress';

/** Names the task queue of a database's own workers, since another database may share Temporal. */
export const adoptionQueue = (databaseId: string | null) => `adopt-${databaseId?.replace('/', '-') ?? 'database'}`;
/** One adoption of a database runs at a time. */
export const adoptionWorkflowId = adoptionQueue;

export const ADOPTED_AS = ['rewound', 'moved', 'clone'] as const;
/**
 * `rewound`: the database lost commits and is the one that goes on. `moved`: it lost nothing, but has other neighbours.
 * `clone`: the database that it was copied from goes on, and nothing of this one may leave.
 */
export type AdoptedAs = (typeof ADOPTED_AS)[number];

export interface AdoptionInput {
  /** A UUIDv7. */
  adoptionId: string;
  as: AdoptedAs;
  /** Since when mail of the database is held, ISO 8601; null if it is not. */
  heldAt: string | null;
  /** Adopts without asking. */
  yes?: boolean;
}

export type AdoptionStep = 'preflight' | 'confirm' | 'begin' | 'mark' | 'files' | 'ledger' | 'lost' | 'release';

export interface AdoptionPlan {
  as: AdoptedAs;
  /** Why mail is held, and since when. */
  code: string;
  heldAt: string;
  /** Drafts that would leave by themselves: the adoption parks them, or withdraws those of a clone. */
  leaving: number;
  /** Drafts that wait for people. */
  waiting: number;
}

export interface AdoptionResult {
  adoptionId: string;
  plan: AdoptionPlan;
  generation: number | null;
  /** Drafts that wait for a person now, since they may have been sent or withdrawn in the lost time. */
  parked: number;
  /** Drafts of which Temporal's histories know how they ended. */
  ended: number;
  /** Drafts of a clone that were withdrawn. */
  withdrawn: number;
  /** False if mails may have been claimed that no store knows of. */
  journalComplete: boolean;
  /** False if a restore that is not settled goes on holding mail. */
  released: boolean;
}

export const confirmAdoption = defineSignal<[{ actor: string }]>('confirmAdoption');
export const abort = defineSignal<[{ actor: string }]>('abort');
export const progress = defineQuery<RecoveryProgress<AdoptionStep, AdoptionResult>>('progress');
