// What is left of an erased draft: its row, for the statistics, without words and without addresses.
// Whoever calls this has decided which drafts may go; one whose conversation is open (`sending`) never does.
import { type Database, Prisma, UUIDV7 } from '../../prisma/client';
import { type CommandContext, SYSTEM } from '../commands/context';

/** Of `drafts d`: has been or will be looked at by nobody. A parked one waits for a person. */
export const IS_FINAL = Prisma.sql`(d.status IN ('rejected', 'expired', 'withdrawn', 'sent', 'blocked')
  OR (d.status = 'failed' AND d.outcome IS DISTINCT FROM 'unknown'))`;

/** Of `drafts d`: its mail may go out, so that nothing of it changes but by a new revision. A parked one is not among them:
 *  where a person has it sent again, its words must still be those that were approved (mail-delivery/message.ts). */
export const IS_OPEN = Prisma.sql`d.status IN ('pending_review', 'changes_requested', 'approved', 'scheduled', 'sending')`;

const IN_FORCE = Prisma.sql`h.released_at IS NULL AND (h.until IS NULL OR h.until > clock_timestamp())`;

/** Of `drafts d`: somebody has a duty to keep it. The holds are looked up once for a statement, not once for each draft. */
export const IS_HELD = Prisma.sql`(
  d.id IN (SELECT h.draft_id FROM legal_holds h WHERE ${IN_FORCE} AND h.draft_id IS NOT NULL)
  OR d.recipient_hashes && ARRAY(SELECT unnest(h.subject_hashes) FROM legal_holds h WHERE ${IN_FORCE}))`;

/** A worker that froze in such a transaction holds nobody up for longer: PostgreSQL takes its locks back. */
const IDLE_TIMEOUT = '3s';

/** Until the transaction ends no hold is answered: what is being erased is erased, or is kept, and nothing is both. */
export async function shutOutNewHolds(tx: Pick<Database, '$executeRaw'>): Promise<void> {
  await tx.$executeRaw`SELECT set_config('idle_in_transaction_session_timeout', ${IDLE_TIMEOUT}, true)`;
  await tx.$executeRaw`LOCK TABLE legal_holds IN SHARE MODE`;
}

/**
 * Erases these drafts in the caller's transaction, with an audit event for each, and the rows of their files that no other
 * draft names. The bytes stay for the sweep of what no row names.
 * @param reason a code for the audit trail
 * @returns the ids of those that were erased just now
 */
export async function eraseDrafts(
  tx: Pick<Database, '$queryRaw'>,
  ids: string[],
  reason: 'erasure' | 'retention',
  { actor, requestId }: Pick<CommandContext, 'requestId'> & { actor: { id: string } } = {
    actor: SYSTEM,
    requestId: '',
  },
): Promise<string[]> {
  const [done] = await tx.$queryRaw<[{ drafts: string[]; files: string[] }]>`
    WITH erased AS (
      UPDATE drafts d SET final_status = d.status, status = 'erased', version = d.version + 1, updated_at = clock_timestamp(),
        "to" = NULL, recipient_hashes = '{}', reply_to = NULL, metadata = NULL, idempotency_key = NULL, request_hash = NULL,
        message_id = NULL, next_attempt_at = NULL, claim_owner = NULL
      WHERE d.id = ANY (${ids}::uuid[]) AND d.status NOT IN ('erased', 'sending')
      RETURNING d.id, d.revision, d.updated_at
    ), words AS (DELETE FROM revisions WHERE draft_id IN (SELECT id FROM erased)),
    remarks AS (DELETE FROM notes WHERE draft_id IN (SELECT id FROM erased)),
    comments AS (UPDATE verdicts SET comment = NULL WHERE draft_id IN (SELECT id FROM erased) AND comment IS NOT NULL),
    files AS (DELETE FROM draft_attachments WHERE draft_id IN (SELECT id FROM erased) RETURNING attachment_id),
    syncs AS (DELETE FROM crm_syncs WHERE draft_id IN (SELECT id FROM erased)),
    messages AS (DELETE FROM outbox WHERE process = 'draftApproval' AND entity_id IN (SELECT id FROM erased)),
    event AS (
      INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
      SELECT ${UUIDV7}, 'draft.erased', updated_at, ${actor.id}::uuid, 'draft', id, revision,
        ${requestId || null}::uuid, jsonb_build_object('reason', ${reason}::text)
      FROM erased
    )
    SELECT ARRAY(SELECT id FROM erased) AS drafts, ARRAY(SELECT attachment_id FROM files) AS files`;
  if (done.files.length > 0) await removeUnnamed(tx, done.files, actor.id, requestId);
  return done.drafts;
}

/** A submission that is about to name one has locked it, and keeps it. */
async function removeUnnamed(tx: Pick<Database, '$queryRaw'>, files: string[], actorId: string, requestId: string) {
  const isUnnamed = Prisma.sql`NOT EXISTS (SELECT 1 FROM draft_attachments n WHERE n.attachment_id = a.id)`;
  const free = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM attachments a WHERE id = ANY (${files}::uuid[]) AND ${isUnnamed} ORDER BY id FOR UPDATE SKIP LOCKED`;
  // A statement of its own sees what was committed until the locks were ours.
  await tx.$queryRaw`
    WITH removed AS (DELETE FROM attachments a WHERE id = ANY (${free.map(({ id }) => id)}::uuid[]) AND ${isUnnamed} RETURNING id)
    INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, request_id)
    SELECT ${UUIDV7}, 'attachment.removed', clock_timestamp(), ${actorId}::uuid, 'attachment', id, ${requestId || null}::uuid
    FROM removed RETURNING id`;
}
