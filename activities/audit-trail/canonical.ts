// The one form in which an event is hashed, wherever it is read from: the database today, an export in ten years.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../ops/runtime/canonical-json';

/** Every field of an event, as JSON carries it. */
export interface AuditRecord {
  /** Where it was written, which is not the order in which events were committed. */
  position: string;
  id: string;
  type: string;
  /** ISO 8601 in UTC, with milliseconds. */
  at: string;
  actorId: string | null;
  subject: string;
  subjectId: string | null;
  revision: number | null;
  requestId: string | null;
  data: unknown;
}

/** What the first seal of all follows. */
export const GENESIS = Buffer.alloc(32);

/** Throws NotCanonical for data that has no canonical form, such as a number beyond those of JavaScript. */
export function hashEvent(prev: Uint8Array, event: AuditRecord): Buffer {
  return createHash('sha256').update(prev).update(canonicalJson(event)).digest();
}
