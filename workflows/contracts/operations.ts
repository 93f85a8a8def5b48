// The one lock of what must not run beside each other: who holds it, and what may be asked of it. Ids and names only.
import { defineQuery, defineUpdate } from '@temporalio/workflow';

export type ExclusiveProcess =
  | 'backup'
  | 'restore'
  | 'restoreDrill'
  | 'deployment'
  | 'rollback'
  | 'userErasure'
  | 'draftRetention'
  | 'auditRetention'
  | 'clusterRetention';

/** A workflow, known by its id and by the first of its runs: continued as new it is the same, started again another. */
export interface Claimant {
  workflowId: string;
  firstRunId: string;
}

export interface Holder extends Claimant {
  process: ExclusiveProcess;
  /** ISO 8601. */
  since: string;
}

export interface Acquisition extends Claimant {
  process: ExclusiveProcess;
  /** A holder that is gone without having released it. */
  takeOver?: Claimant;
  /** Several such holders. */
  takeOvers?: Claimant[];
}

/** Plain JSON, carried across continue-as-new. */
export interface OperationsInput {
  holder?: Holder | null;
  /** Who holds it together with that one. */
  sharers?: Holder[];
}

/** Erasures exclude none of each other: they remove different people, and one scan serves all. */
export const SHARED: readonly ExclusiveProcess[] = ['userErasure'];
/** After that others have their turn first. */
export const SHARED_FOR_MS = 60_000;

export const OPERATIONS_ID = 'operations';
/** Of the failure that names the holder. */
export const HELD = 'OperationsHeld';

/** Rejected while another holds it. A repeat by its holder is none. */
export const acquire = defineUpdate<Holder, [Acquisition]>('acquire');
/** Of who does not hold it: nothing to do. */
export const release = defineUpdate<void, [Claimant]>('release');
export const state = defineQuery<Holder | null>('state');

export const isSame = (a: Claimant, b: Claimant) => a.workflowId === b.workflowId && a.firstRunId === b.firstRunId;
