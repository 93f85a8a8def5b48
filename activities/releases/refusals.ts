// Why a deployment or rollback is not begun: told before anything is touched, by a stable code and a sentence with the remedy.
import { ApplicationFailure } from '@temporalio/common';
import { REFUSED } from '../../workflows/contracts/recovery-progress';

export type ReleaseRefusal =
  | 'no_previous_release'
  | 'unknown_release'
  | 'release_gone'
  | 'same_release'
  | 'not_earlier'
  | 'cannot_undo'
  | 'cannot_replay'
  | 'runs_pinned'
  | 'other_build'
  | 'nothing_serves';

export const refuse = (code: ReleaseRefusal, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, code, REFUSED);

/** A step that can't work, however often it is tried. */
export const fail = (code: string, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, code);
