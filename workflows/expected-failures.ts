// Tells failures that somebody asked for, or that only say "not yet", from faults.
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from '@temporalio/common';
import { isCancellation } from '@temporalio/workflow';
import { HELD } from './contracts/operations';
import { ABORTED, REFUSED } from './contracts/recovery-progress';

/** The lock or the lane is somebody else's, this worker ends, the mail is held for another reason, an operator gave it up. */
const EXPECTED = new Set<string>([HELD, 'LaneLost', 'worker_ended', 'other_hold', ABORTED]);

/** Returns the failure behind those that only say where it happened. */
export function rootOf(error: unknown): unknown {
  const isWrapped = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
  return isWrapped && error.cause ? rootOf(error.cause) : error;
}

export function isExpected(error: unknown): boolean {
  if (isCancellation(error)) return true;
  const root = rootOf(error);
  if (!(root instanceof ApplicationFailure)) return false;
  return EXPECTED.has(root.type ?? '') || root.details?.[0] === REFUSED;
}
