// How far a backup, a restore or a drill is: what its query tells, and what its activities beat.

export type RecoveryStatus =
  /** For the lock of `operations`. */
  | 'waiting'
  | 'running'
  /** A restore that waits for `confirmSwitch`. */
  | 'awaiting_confirmation'
  | 'done'
  | 'failed'
  /** By its preflight: nothing has been touched. */
  | 'refused'
  | 'aborted';

export interface StepTime<Step extends string> {
  step: Step;
  startedAt: string;
  /** Null while it runs. */
  finishedAt: string | null;
}

/** Why it did not succeed: a stable code, and a sentence with the remedy that names segments, sets and times, never people. */
export interface RecoveryProblem {
  code: string;
  message: string;
}

export interface RecoveryProgress<Step extends string, Result> {
  status: RecoveryStatus;
  startedAt: string;
  finishedAt: string | null;
  /** Those that have begun, in order. */
  steps: StepTime<Step>[];
  result: Result | null;
  problem: RecoveryProblem | null;
}

/** The details of an activity's heartbeat: how far the running step is. */
export interface StepBeat {
  done: number;
  /** Null where it can't be known. */
  total: number | null;
  unit: 'bytes' | 'files' | 'rows';
}

/** The same of a step that can't go on before somebody has done something. */
export interface StepWait {
  /** A sentence that names what to do. */
  waitsFor: string;
}

/** The code of what somebody gave up. */
export const ABORTED = 'aborted';
/** The first of a failure's details where a precondition does not hold, and nothing has been touched. */
export const REFUSED = 'refused';
