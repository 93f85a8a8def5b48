// Why a restore or an adoption is not begun: told before anything is touched, by a stable code and a sentence with the remedy.
import { ApplicationFailure } from '@temporalio/common';
import { ForeignObject } from '../../ops/runtime/signed-store';
import { REFUSED } from '../../workflows/contracts/recovery-progress';

export type RefusalCode =
  | 'no_backup'
  | 'no_such_set'
  | 'elsewhere'
  | 'broken_manifest'
  | 'wrong_key'
  | 'wrong_passphrase'
  | 'broken_backup'
  | 'other_format'
  | 'broken_ledger'
  | 'foreign_object'
  | 'other_cluster_name'
  | 'other_major_version'
  | 'newer_schema'
  | 'before_first_backup'
  | 'after_last_commit'
  | 'missing_segment'
  | 'no_restore_point'
  | 'no_such_restore'
  | 'not_in_effect'
  | 'already_settled'
  | 'nothing_to_undo'
  | 'too_little_space'
  | 'check_failed'
  | 'started_by_link'
  | 'credentials_refused'
  | 'kept_by_provider'
  | 'not_held'
  | 'rewound'
  | 'ledger_missing'
  | 'shares_neighbours';

export const refusal = (code: RefusalCode, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, code, REFUSED);

/** For `catch`: an object that is not ours steers nothing, and no repeat would make it ours. */
export function refuseForeign(error: unknown): never {
  throw error instanceof ForeignObject ? refusal('foreign_object', `${error.message}.`) : error;
}
