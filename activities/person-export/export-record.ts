// An export as PostgreSQL has it. Whom it is about stands in `sealed` alone, and only until the export ends.
import type { Database } from '../../prisma/client';
import type { ExportStatus, PersonExportState } from '../../workflows/contracts/person-export';

export interface ExportRecord {
  id: string;
  generation: number;
  version: number;
  /** `expired` by the database's clock, even before the sweep has removed the object. */
  status: ExportStatus;
  subjectHashes: Uint8Array<ArrayBuffer>[];
  sealed: Uint8Array<ArrayBuffer> | null;
  requestedBy: string;
  createdAt: Date;
  expiresAt: Date | null;
  object: string | null;
  size: bigint | null;
  items: number | null;
  failureCode: string | null;
  /** The database's clock when this was read. */
  now: Date;
}

/** What is encrypted in the row. */
export interface SealedExport {
  /** Whom to export; no longer there once the document is ready. */
  email?: string;
  /** Of the object, in base64. Without it the object is noise, whoever has a copy. */
  key: string;
}

export interface ExportView {
  id: string;
  status: ExportStatus;
  createdAt: string;
  expiresAt: string | null;
  /** Of the document, in bytes. */
  size: number | null;
  items: number | null;
  /** A code. */
  failure: string | null;
}

export async function readExport(db: Pick<Database, '$queryRaw'>, id: string): Promise<ExportRecord | null> {
  const [record] = await db.$queryRaw<ExportRecord[]>`
    SELECT e.id, i.generation, e.version,
      CASE WHEN e.status = 'ready' AND e.expires_at <= clock_timestamp() THEN 'expired' ELSE e.status END AS status,
      e.subject_hashes AS "subjectHashes", e.sealed, e.requested_by AS "requestedBy", e.created_at AS "createdAt",
      e.expires_at AS "expiresAt", e.object, e.size, e.items, e.failure_code AS "failureCode",
      clock_timestamp() AS now
    FROM person_exports e, instance i WHERE e.id = ${id}::uuid AND i.id = 1`;
  return record ?? null;
}

export const toState = ({ generation, version, status }: ExportRecord): PersonExportState => ({
  generation,
  version,
  status,
});

export const toView = (record: ExportRecord): ExportView => ({
  id: record.id,
  status: record.status,
  createdAt: record.createdAt.toISOString(),
  expiresAt: record.expiresAt?.toISOString() ?? null,
  size: record.size === null ? null : Number(record.size),
  items: record.items,
  failure: record.failureCode,
});
