// Audit events that stand alone; those of a change are written with it.
import { uuidv7 } from 'uuidv7';
import type { Database } from '../../prisma/client';
import type { CommandContext } from './context';
import type { EventView } from './draft-view';

export interface AuditEntry {
  /** Drawn by the caller where another row names the event. */
  id?: string | undefined;
  type: string;
  subject: string;
  subjectId?: string | undefined;
  revision?: number | undefined;
  /** Codes and numbers. */
  data?: Record<string, unknown> | undefined;
}

export async function recordEvent(
  db: Database,
  { actor, requestId }: CommandContext,
  entry: AuditEntry,
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
    VALUES (${entry.id ?? uuidv7()}::uuid, ${entry.type}, clock_timestamp(), ${actor.id}::uuid, ${entry.subject},
      ${entry.subjectId ?? null}::uuid, ${entry.revision ?? null}::int, ${requestId}::uuid, ${JSON.stringify(entry.data ?? {})}::jsonb)`;
}

/** A draft's timeline, oldest first, with what people wrote beside their acts. */
export async function listDraftEvents(
  db: Database,
  draftId: string,
  page: { after?: bigint | undefined; limit: number },
): Promise<(EventView & { position: bigint })[]> {
  const rows = await db.$queryRaw<(Omit<EventView, 'at'> & { at: Date; comment: string | null; position: bigint })[]>`
    SELECT e.position, e.id, e.type, e.at, p.name AS by, e.revision, e.data, coalesce(v.comment, n.text) AS comment
    FROM audit_events e
    LEFT JOIN principals p ON p.id = e.actor_id
    LEFT JOIN verdicts v ON v.id = e.id
    LEFT JOIN notes n ON n.id = e.id
    WHERE e.subject_id = ${draftId}::uuid AND e.position > ${page.after ?? 0n}
    ORDER BY e.position LIMIT ${page.limit}`;
  return rows.map(({ comment, ...row }) => ({
    ...row,
    at: row.at.toISOString(),
    data: comment === null ? row.data : { ...row.data, comment },
  }));
}
