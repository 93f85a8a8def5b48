// An erasure as PostgreSQL has it. Whom it is about stands in `sealed` alone.
import type { Database } from '../../prisma/client';
import type { ErasureState, ErasureStatus } from '../../workflows/contracts/user-erasure';
import type { Subjects } from '../personal-data/subject';
import type { Counts, Person } from './stores/store';

/** `unavailable`: the store could not be asked. */
export type PreviewEntry = { store: string; ground: Counts['ground'] | 'unavailable' } & Omit<Counts, 'ground'>;

export interface ErasureRecord {
  id: string;
  generation: number;
  version: number;
  status: ErasureStatus;
  subjectHashes: Uint8Array<ArrayBuffer>[];
  sealed: Uint8Array<ArrayBuffer> | null;
  requestedAt: Date;
  graceUntil: Date;
  confirmedAt: Date | null;
  begunAt: Date | null;
  deadlineAt: Date;
  extendedUntil: Date | null;
  extensionReason: string | null;
  /** Null until the process has asked the stores. */
  preview: PreviewEntry[] | null;
  /** When the next scan may begin, where the erasure has to wait for it. */
  nextScanAt: Date | null;
  failureCode: string | null;
  endedAt: Date | null;
  /** The database's clock when this was read. */
  now: Date;
}

/** What is encrypted in the row until the erasure ends. */
interface Sealed {
  email: string;
  /** SHA-256 of what the person's drafts said, in hex: what the scan looks for beside the address. */
  fingerprints: string[];
}

/** @param lock takes the row for this transaction */
export async function readErasure(
  db: Pick<Database, '$queryRaw'>,
  id: string,
  { lock = false } = {},
): Promise<ErasureRecord | null> {
  if (lock) await db.$queryRaw`SELECT 1 FROM erasures WHERE id = ${id}::uuid FOR UPDATE`;
  const [record] = await db.$queryRaw<ErasureRecord[]>`
    SELECT e.id, i.generation, e.version, e.status, e.subject_hashes AS "subjectHashes", e.sealed, e.requested_at AS "requestedAt",
      e.grace_until AS "graceUntil", e.confirmed_at AS "confirmedAt", e.begun_at AS "begunAt", e.deadline_at AS "deadlineAt",
      e.extended_until AS "extendedUntil", e.extension_reason AS "extensionReason", e.preview, e.next_scan_at AS "nextScanAt", e.failure_code AS "failureCode",
      e.ended_at AS "endedAt", clock_timestamp() AS now
    FROM erasures e, instance i WHERE e.id = ${id}::uuid AND i.id = 1`;
  return record ?? null;
}

export function toState(record: ErasureRecord): ErasureState {
  return {
    generation: record.generation,
    version: record.version,
    status: record.status,
    graceUntil: record.graceUntil.toISOString(),
    confirmed: record.confirmedAt !== null,
    previewed: record.preview !== null,
    deadline: (record.extendedUntil ?? record.deadlineAt).toISOString(),
  };
}

export const sealSubject = (subjects: Subjects, subject: Sealed) => subjects.seal(subject);

/** Null once the erasure has ended: nobody knows any more. */
export function unsealSubject(subjects: Subjects, record: ErasureRecord): (Sealed & { person: Person }) | null {
  if (record.sealed === null) return null;
  const sealed = subjects.unseal<Sealed>(record.sealed);
  return { ...sealed, person: { email: sealed.email, hashes: record.subjectHashes, requestId: record.id } };
}
