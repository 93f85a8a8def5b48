// What is left of an erased draft: its row, for the statistics, without words and without addresses.
// Whoever calls this has decided which drafts may go; one whose conversation is open (`sending`) never does.
import { type Database, Prisma, UUIDV7 } from '../../prisma/client';
import { type CommandContext, SYSTEM } from '../commands/context';

/** Of `drafts d`: has been or will be looked at by nobody. A parked one waits for a person. */
export const IS_FINAL = Prisma.sql`(d.status IN ('rejected', 'expired', 'withdrawn', 'sent', 'blocked')
  OR (d.status = 'failed' AND d.outcome IS DISTINCT FROM 'unknown'))`;

const IN_FORCE = Prisma.sql`h.released_at IS NULL AND (h.until IS NULL OR h.until > clock_timestamp())`;

/** Of `drafts d`: somebody has a duty to keep it. The holds are looked up once for a statement, not once for each draft. */
export const IS_HELD = Prisma.sql`(
  d.id IN (SELECT h.draft_id FROM legal_holds h WHERE ${IN_FORCE} AND h.draft_id IS NOT NULL)
  OR d.recipient_hashes && ARRAY(SELECT unnest(h.subject_hashes) FROM legal_holds h WHERE ${IN_FORCE}))`;

/** Until the transaction ends no hold is answered: what is being erased is erased, or is kept, and nothing is both. */
export const shutOutNewHolds = (tx: Pick<Database, '$executeRaw'>) =>
  tx.$executeRaw`LOCK TABLE legal_holds IN SHARE MODE`;

/**
 * Erases these drafts in the caller's transaction, with an audit event for each. Their attachments' rows and objects stay
 * for the caller, or for the sweep of what no draft names.
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
  const erased = await tx.$queryRaw<{ id: string }[]>`
    WITH erased AS (
      UPDATE drafts d SET final_status = d.status, status = 'erased', version = d.version + 1, updated_at = clock_timestamp(),
        "to" = NULL, recipient_hashes = '{}', reply_to = NULL, metadata = NULL, idempotency_key = NULL, request_hash = NULL,
        message_id = NULL, next_attempt_at = NULL, claim_owner = NULL
      WHERE d.id = ANY (${ids}::uuid[]) AND d.status NOT IN ('erased', 'sending')
      RETURNING d.id, d.revision, d.updated_at
    ), words AS (DELETE FROM revisions WHERE draft_id IN (SELECT id FROM erased)),
    remarks AS (DELETE FROM notes WHERE draft_id IN (SELECT id FROM erased)),
    comments AS (UPDATE verdicts SET comment = NULL WHERE draft_id IN (SELECT id FROM erased) AND comment IS NOT NULL),
    files AS (DELETE FROM draft_attachments WHERE draft_id IN (SELECT id FROM erased)),
    messages AS (DELETE FROM outbox WHERE process = 'draftApproval' AND entity_id IN (SELECT id FROM erased)),
    event AS (
      INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
      SELECT ${UUIDV7}, 'draft.erased', updated_at, ${actor.id}::uuid, 'draft', id, revision,
        ${requestId || null}::uuid, jsonb_build_object('reason', ${reason}::text)
      FROM erased
    )
    SELECT id FROM erased`;
  return erased.map(({ id }) => id);
}
