// The two steps that a draft's own process takes: one statement each, and one more to read where it changes nothing.
// The process hears by the answer, so no message is written.
import { uuidv7 } from 'uuidv7';
import { currentTraceparent } from '../../ops/runtime/trace-context';
import { Prisma } from '../../prisma/client';
import type { DraftState } from '../../workflows/contracts/draft-approval';
import { type CommandDependencies, SYSTEM } from './context';
import { readDraftState, STATE, type StateRow, toState } from './draft-record';

export function createProcessSteps({ db, announce, settings }: CommandDependencies) {
  async function take(id: string, event: string, update: Prisma.Sql): Promise<DraftState | null> {
    const [changed] = await db.$queryRaw<(StateRow & { isDue: boolean })[]>`
      WITH changed AS (${update} RETURNING d.*), event AS (
        INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
        SELECT ${uuidv7()}::uuid, ${event}, updated_at, ${SYSTEM.id}::uuid, 'draft', id, revision, ${uuidv7()}::uuid, '{}'
        FROM changed
      )
      SELECT ${STATE}, coalesce(d.next_attempt_at <= d.updated_at, false) AS "isDue" FROM changed d`;
    if (!changed) return readDraftState(db, id);
    if (changed.isDue) announce({ mailDue: true });
    return toState(changed);
  }

  return {
    expireDraft: (id: string) =>
      take(
        id,
        'draft.expired',
        Prisma.sql`UPDATE drafts d SET status = 'expired', version = version + 1, updated_at = clock_timestamp()
          WHERE id = ${id}::uuid AND status IN ('pending_review', 'changes_requested') AND expires_at <= clock_timestamp()`,
      ),

    releaseDraft: (id: string) =>
      take(
        id,
        'draft.released',
        Prisma.sql`UPDATE drafts d SET status = 'scheduled', version = d.version + 1, updated_at = t.now, due_at = t.due,
            next_attempt_at = t.due, attempts = 0, traceparent = coalesce(${currentTraceparent()}, d.traceparent)
          FROM (
            SELECT r.revision, c.now, greatest(r.send_at, c.now + make_interval(secs => ${settings.UNDO_WINDOW_SECONDS})) AS due
            FROM revisions r, (SELECT date_trunc('milliseconds', clock_timestamp()) AS now) c
            WHERE r.draft_id = ${id}::uuid
          ) t
          WHERE d.id = ${id}::uuid AND d.status = 'approved' AND t.revision = d.revision`,
      ),
  };
}
