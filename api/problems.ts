// The one table from a failure to the RFC 9457 problem that a client sees.
import { STATUS_CODES } from 'node:http';
import { Refusal, type RefusalCode } from '../activities/commands/refusal';
import { FileTooLarge } from '../activities/received-file';
import { codesOf, hasNoConnection, isDatabaseAway } from '../ops/runtime/database-away';
import { ObjectStoreError } from '../ops/runtime/object-store';

/** Stable for ever: clients tell problems apart by these names. */
export const PROBLEMS = {
  'invalid-request': [400, 'Something in the request is not as it must be'],
  'malformed-body': [400, 'The body cannot be read'],
  'malformed-request': [400, 'The request cannot be read'],
  unauthenticated: [401, 'Credentials are missing or wrong'],
  'csrf-token': [403, 'The CSRF token is missing or wrong'],
  'cross-site': [403, 'The request comes from another site'],
  'missing-role': [403, 'These credentials lack the role'],
  'four-eyes': [403, 'Somebody else has to approve this'],
  'not-found': [404, 'There is no such thing'],
  'method-not-allowed': [405, 'This method does not exist here'],
  'request-timeout': [408, 'The request took too long to arrive'],
  'already-decided': [409, 'It has been decided already'],
  'deadline-passed': [409, 'The deadline has passed'],
  'stale-revision': [409, 'The draft has a newer revision'],
  'wrong-state': [409, 'It is in another state'],
  'preview-pending': [409, 'The preview of this erasure is not made yet'],
  'export-pending': [409, 'The export is not ready yet'],
  'export-failed': [409, 'The export has failed'],
  'send-begun': [409, 'The send has begun'],
  'not-parked': [409, 'The draft is not parked'],
  'not-certified': [409, 'There is no certificate of this erasure'],
  'cleanup-running': [409, 'A cleanup is running'],
  'restore-running': [409, 'A restore is under way'],
  'rollback-running': [409, 'A rollback is under way'],
  'not-configured': [409, 'This service is not configured'],
  'no-lane': [409, 'This service has no lane to pause'],
  'erased-person': [409, 'It belongs to an erased person'],
  expired: [410, 'It has expired'],
  erased: [410, 'It has been erased'],
  'precondition-failed': [412, 'It has changed since you read it'],
  'too-large': [413, 'It is too large'],
  'quota-exceeded': [413, 'The files of this author take too much room'],
  'unsupported-media-type': [415, 'The body is of a type that is not read here'],
  'idempotency-mismatch': [422, 'The idempotency key belongs to another request'],
  'precondition-required': [428, 'If-Match is required'],
  'too-many-requests': [429, 'Too many requests'],
  'header-too-large': [431, 'The header is too large'],
  'internal-error': [500, 'Countersign failed'],
  'too-many-changes': [503, 'Too many changes at once'],
  'database-busy': [503, 'The database is busy'],
  'took-too-long': [503, 'The database took too long'],
  'database-unavailable': [503, 'The database is unavailable'],
  'files-unavailable': [503, 'The file store is unavailable'],
  'anchors-unavailable': [503, 'The anchors of the audit trail are unavailable'],
  'backups-unavailable': [503, 'Backups are unavailable'],
  'releases-unavailable': [503, 'Releases are not managed here'],
  'processes-unavailable': [503, 'Temporal is unavailable'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof PROBLEMS;
export interface FieldError {
  path: string;
  message: string;
}

export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;
  readonly title: string;

  /** @param detail one sentence for the caller, free of personal data */
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly more: { errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail, { cause: more.cause });
    [this.status, this.title] = PROBLEMS[code];
  }

  toJSON(requestId: string): Record<string, unknown> {
    const { code, title, status, detail } = this;
    const { errors } = this.more;
    return { type: problemType(code), title, status, detail, ...(errors?.length ? { errors } : {}), requestId };
  }
}

/** Relative to where this API is; GET leads to its explanation. */
export const problemType = (code: ProblemCode) => `/problems/${code}`;

const REFUSALS: Record<RefusalCode, ProblemCode> = {
  not_found: 'not-found',
  erased: 'erased',
  four_eyes: 'four-eyes',
  already_decided: 'already-decided',
  deadline_passed: 'deadline-passed',
  stale_revision: 'stale-revision',
  wrong_state: 'wrong-state',
  preview_pending: 'preview-pending',
  send_begun: 'send-begun',
  not_parked: 'not-parked',
  erased_person: 'erased-person',
  cleanup_running: 'cleanup-running',
  quota_exceeded: 'quota-exceeded',
  idempotency_mismatch: 'idempotency-mismatch',
  invalid: 'invalid-request',
  busy: 'too-many-changes',
};

/** Of body-parser, by its `type`. */
const BODIES: Record<string, [ProblemCode, string]> = {
  'entity.parse.failed': ['malformed-body', 'The body is not a valid JSON object.'],
  'entity.too.large': ['too-large', 'The body is larger than 1 MiB.'],
  'charset.unsupported': ['unsupported-media-type', 'JSON is read in UTF-8 alone.'],
  'encoding.unsupported': ['unsupported-media-type', 'This content encoding is not read here.'],
  'request.aborted': ['malformed-body', 'The body ended too early.'],
  'request.size.invalid': ['malformed-body', 'The body has another length than the header says.'],
};

const RETRY_SOON = { headers: { 'Retry-After': '1' } };
const PASSES_SOON: RefusalCode[] = ['busy', 'preview_pending'];

/** Whatever was thrown. What nobody expected is an `internal-error`, whose cause only the log knows. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Refusal) {
    const { code, message, errors } = error;
    return new Problem(REFUSALS[code], message, { errors, ...(PASSES_SOON.includes(code) ? RETRY_SOON : {}) });
  }
  if (error instanceof FileTooLarge) return new Problem('too-large', 'The file is larger than 10 MiB.');
  if (error instanceof ObjectStoreError || (error as { code?: unknown } | null)?.code === 'ENOSPC') {
    return new Problem('files-unavailable', 'The file store does not answer; try again.', {
      ...RETRY_SOON,
      cause: error,
    });
  }
  return (
    ofReading(error) ?? ofDatabase(error) ?? new Problem('internal-error', 'It is not your fault.', { cause: error })
  );
}

function ofReading(error: unknown): Problem | null {
  if (error instanceof URIError) return new Problem('malformed-request', 'The path is not validly encoded.');
  const { type, status } = error as { type?: unknown; status?: unknown };
  const known = typeof type === 'string' ? BODIES[type] : undefined;
  if (known) return new Problem(...known);
  // Content that can't be decompressed, for instance.
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem('malformed-request', `${STATUS_CODES[status] ?? 'Bad Request'}.`);
  }
  return null;
}

/** Prisma's code for a transaction that expired, among others. */
const TRANSACTION_TROUBLE = 'P2028';
/** PostgreSQL cancelled a statement. */
const CANCELLED = '57014';
/** Two changes stood in each other's way, and this one gave way. */
const GAVE_WAY = /^(40001|40P01|55P03|P2034)$/;

function ofDatabase(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null;
  const { code, originalCode } = codesOf(error);
  if (hasNoConnection(error)) {
    return new Problem('database-busy', 'All database connections are busy; try again.', {
      ...RETRY_SOON,
      cause: error,
    });
  }
  if (code === TRANSACTION_TROUBLE || originalCode === CANCELLED) {
    return new Problem(
      'took-too-long',
      'The database did not finish in time, and nothing was changed. Ask for less, or try again.',
      {
        ...RETRY_SOON,
        cause: error,
      },
    );
  }
  if (GAVE_WAY.test(originalCode) || GAVE_WAY.test(code)) {
    return new Problem('too-many-changes', 'Others change the same at once; try again.', {
      ...RETRY_SOON,
      cause: error,
    });
  }
  if (!isDatabaseAway(error)) return null;
  return new Problem('database-unavailable', 'The database does not answer; try again.', {
    ...RETRY_SOON,
    cause: error,
  });
}
