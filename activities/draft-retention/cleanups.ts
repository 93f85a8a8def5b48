// The runs of retention as rows: one at a time, and a truthful end.

import type { Database } from '../../prisma/client';
import type { CleanupProgress, CleanupReason } from '../../workflows/contracts/draft-retention';
import { recordEvent } from '../commands/audit';
import type { CommandContext } from '../commands/context';

export const DRAFT_RETENTION = 'draftRetention';
const SILENT_HOURS = 1;

/**
 * Begins a run in the caller's transaction.
 * @returns whether it could: one runs at a time. A run that has given no sign of life for an hour (its workflow was
 * terminated, or its message never arrived) is closed; should it wake, it finds its row closed and ends.
 */
export async function openCleanup(
  tx: Database,
  context: CommandContext,
  { id, days, requestedBy }: { id: string; days: number; requestedBy: string | null },
): Promise<boolean> {
  const [silent] = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM cleanups WHERE active = ${DRAFT_RETENTION} AND updated_at < clock_timestamp() - make_interval(hours => ${SILENT_HOURS})`;
  if (silent) await closeCleanup(tx, context, silent.id, 'abandoned');
  const opened = await tx.$executeRaw`
    INSERT INTO cleanups (id, process, status, active, before, requested_by, started_at, updated_at)
    SELECT ${id}::uuid, ${DRAFT_RETENTION}, 'running', ${DRAFT_RETENTION}, now - make_interval(secs => ${days}::float8 * 86400),
      ${requestedBy}::uuid, now, now
    FROM (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) c
    ON CONFLICT (active) DO NOTHING`;
  if (opened === 1) {
    await recordEvent(tx, context, { type: 'retention.requested', subject: 'cleanup', subjectId: id, data: { days } });
  }
  return opened === 1;
}

/** Ends a run that has not ended yet. `failed`: nothing was done; `partial`: not all of it. */
export async function closeCleanup(
  tx: Database,
  context: CommandContext,
  id: string,
  reason: CleanupReason | null,
): Promise<void> {
  const [closed] = await tx.$queryRaw<CleanupProgress[]>`
    UPDATE cleanups SET active = NULL, finished_at = clock_timestamp(), updated_at = clock_timestamp(), reason = ${reason},
      status = CASE WHEN ${reason}::text IS NULL THEN 'done' WHEN removed > 0 THEN 'partial' ELSE 'failed' END
    WHERE id = ${id}::uuid AND status = 'running'
    RETURNING status, removed AS drafts, held`;
  if (!closed) return;
  const data = { ...closed, ...(reason ? { reason } : {}) };
  await recordEvent(tx, context, { type: 'retention.finished', subject: 'cleanup', subjectId: id, data });
}

export async function readProgress(db: Database, id: string): Promise<CleanupProgress | null> {
  const [row] = await db.$queryRaw<CleanupProgress[]>`
    SELECT status, removed AS drafts, held FROM cleanups WHERE id = ${id}::uuid AND process = ${DRAFT_RETENTION}`;
  return row ?? null;
}
