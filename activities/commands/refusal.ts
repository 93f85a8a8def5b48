/** Why a command was not carried out. The API's one table turns a code into an HTTP problem. */
export type RefusalCode =
  | 'not_found'
  | 'erased'
  | 'four_eyes'
  | 'already_decided'
  | 'deadline_passed'
  | 'stale_revision'
  | 'wrong_state'
  | 'preview_pending'
  | 'send_begun'
  | 'not_parked'
  | 'erased_person'
  | 'cleanup_running'
  | 'quota_exceeded'
  | 'idempotency_mismatch'
  | 'invalid'
  | 'busy';

export class Refusal extends Error {
  override name = 'Refusal';

  /** @param message one sentence for the caller, free of personal data
   *  @param errors for `invalid`: the fields at fault */
  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly errors: { path: string; message: string }[] = [],
  ) {
    super(message);
  }
}
