// The one form in which an event is hashed, wherever it is read from: the database today, an export in ten years.
import { createHash } from 'node:crypto';

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

export function hashEvent(prev: Uint8Array, event: AuditRecord): Buffer {
  return createHash('sha256').update(prev).update(toCanonicalJson(event)).digest();
}

/** Without spaces, with sorted keys at every depth. */
export function toCanonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    one !== null && typeof one === 'object' && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
