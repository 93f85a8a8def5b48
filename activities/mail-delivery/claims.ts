// The lane's statements. Each acts only while this attempt owns the lane (docs/architecture.md, "The lane's protocol"):
// without that fence a frozen worker and its successor would both send.
import { type Database, ISO_8601, NOT_SYNCED, Prisma, UUIDV7 } from '../../prisma/client';
import { SYSTEM } from '../commands/context';
import type { AttachmentView } from '../commands/draft-view';
import { WRITE_MESSAGES } from '../outbox/outbox';

export interface LaneRow {
  journalRun: string | null;
  failures: number;
  failingSince: Date | null;
  sent: bigint;
}

export interface OpenMail {
  id: string;
  messageId: string;
  to: string;
  /** The keyed hash of `to` that the active key gives. */
  recipientHash: Uint8Array;
  replyTo: string | null;
  subject: string;
  body: string;
  html: string | null;
  contentHash: Uint8Array;
  /** Earlier attempts at this mail. */
  attempts: number;
  attachments: AttachmentView[];
}

/** What became of an open mail. */
export interface Outcome {
  id: string;
  status: 'sent' | 'failed' | 'blocked' | 'scheduled';
  outcome: 'delivered' | 'refused' | 'unknown' | null;
  code: string | null;
  /** With `scheduled`: when to try again; null means as soon as the service is back, and does not count as an attempt. */
  retrySeconds: number | null;
}

export interface Claim {
  owned: boolean;
  ids: string[];
  /** Where nothing was due: when the next mail is; null where none is scheduled. */
  nextInMs: number | null;
}

/** The failure code of a mail whose attachments can't be read now. */
export const STORE_AWAY = 'file_store_away';

export type Claims = ReturnType<typeof createClaims>;

/** @param owner drawn at random by one activity attempt */
export function createClaims(db: Database, lane: string, owner: string, mailDomain: string) {
  const OWNED = Prisma.sql`l AS MATERIALIZED (
    SELECT 1 FROM lanes WHERE name = ${lane} AND owner = ${owner}::uuid AND NOT held FOR SHARE)`;

  return {
    /** Null where the lane is held. Parks what another owner had open and releases what it had only claimed. */
    async takeOver(): Promise<{ lane: LaneRow; told: boolean } | null> {
      return db.$transaction(async (tx) => {
        const [row] = await tx.$queryRaw<LaneRow[]>`
          UPDATE lanes SET owner = ${owner}::uuid WHERE name = ${lane} AND NOT held
          RETURNING journal_run AS "journalRun", failures, failing_since AS "failingSince", sent`;
        if (!row) return null;
        const [parked] = await tx.$queryRaw<{ told: boolean }[]>`
          WITH done AS (
            UPDATE drafts SET
              claim_owner = CASE status WHEN 'sending' THEN claim_owner END,
              failure_code = CASE status WHEN 'sending' THEN 'outcome_unknown' ELSE failure_code END,
              outcome = CASE status WHEN 'sending' THEN 'unknown' ELSE outcome END,
              version = CASE status WHEN 'sending' THEN version + 1 ELSE version END,
              updated_at = CASE status WHEN 'sending' THEN clock_timestamp() ELSE updated_at END,
              status = CASE status WHEN 'sending' THEN 'failed' ELSE status END
            WHERE claim_owner <> ${owner}::uuid AND status IN ('scheduled', 'sending')
            RETURNING *, CASE status WHEN 'failed' THEN 'draft.parked' END AS event
          ), heard AS (SELECT * FROM done WHERE event IS NOT NULL)
          ${tellAndAudit()}`;
        return { lane: row, told: parked?.told ?? false };
      });
    },

    /** Takes up to `limit` mails that are due. `owned` false: the lane has another owner by now, or is held. */
    async claim(limit: number): Promise<Claim> {
      // A claim that a crash undoes is nobody's: `open` is what has to last.
      const [row] = await db.$queryRaw<Claim[]>`
        WITH ${OWNED}, due AS (
          SELECT id FROM drafts
          WHERE status = 'scheduled' AND claim_owner IS NULL AND next_attempt_at <= now() AND EXISTS (SELECT 1 FROM l)
          ORDER BY next_attempt_at, id LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ), claimed AS (
          UPDATE drafts d SET claim_owner = ${owner}::uuid FROM due WHERE d.id = due.id RETURNING d.id
        )
        SELECT ${NOT_SYNCED} AS "commits", EXISTS (SELECT 1 FROM l) AS owned, ARRAY(SELECT id FROM claimed) AS ids,
          CASE WHEN NOT EXISTS (SELECT 1 FROM due) THEN (
            SELECT extract(epoch FROM min(next_attempt_at) - clock_timestamp())::float8 * 1000
            FROM drafts WHERE status = 'scheduled' AND claim_owner IS NULL) END AS "nextInMs"`;
      const { owned = false, ids = [], nextInMs = null } = row ?? {};
      return { owned, ids, nextInMs };
    },

    /** Bytes may go out only for what this returns: it is committed as `sending` and still ours. Whether its recipient is
     *  suppressed is asked with the lane's lock in hand, which every new suppression takes too. */
    open(ids: string[]): Promise<OpenMail[]> {
      return db.$queryRaw<OpenMail[]>`
        WITH ${OWNED}, opened AS (
          UPDATE drafts SET status = 'sending', version = version + 1, updated_at = clock_timestamp(),
            message_id = coalesce(message_id, '<' || id || '@' || ${mailDomain} || '>')
          WHERE id = ANY (${ids}::uuid[]) AND claim_owner = ${owner}::uuid AND status = 'scheduled' AND EXISTS (SELECT 1 FROM l)
            AND NOT is_suppressed(recipient_hashes)
          RETURNING id, revision, message_id, "to", recipient_hashes[1] AS recipient_hash, reply_to, attempts
        )
        SELECT o.id, o.message_id AS "messageId", o."to", o.recipient_hash AS "recipientHash", o.reply_to AS "replyTo", r.subject, r.body, r.html,
          r.content_hash AS "contentHash", o.attempts,
          (SELECT coalesce(json_agg(json_build_object('id', a.id, 'name', a.name, 'type', a.type, 'size', a.size, 'sha256', a.sha256)
                    ORDER BY da.position), '[]')
             FROM draft_attachments da JOIN attachments a ON a.id = da.attachment_id WHERE da.draft_id = o.id) AS attachments
        FROM opened o JOIN revisions r ON r.draft_id = o.id AND r.revision = o.revision`;
    },

    /** Ends those that `open` left out because their recipient is suppressed.
     *  @returns whether a process is to hear of it */
    async block(ids: string[]): Promise<boolean> {
      const [blocked] = await db.$queryRaw<{ told: boolean }[]>`
        WITH ${OWNED}, done AS (
          UPDATE drafts SET status = 'blocked', outcome = 'suppressed', failure_code = 'suppressed', version = version + 1,
            updated_at = clock_timestamp(), next_attempt_at = NULL, claim_owner = NULL
          WHERE id = ANY (${ids}::uuid[]) AND claim_owner = ${owner}::uuid AND status = 'scheduled' AND EXISTS (SELECT 1 FROM l)
            AND is_suppressed(recipient_hashes)
          RETURNING *, 'draft.blocked' AS event
        ), heard AS (SELECT * FROM done)
        ${tellAndAudit()}`;
      return blocked?.told ?? false;
    },

    /** At once after the conversation. A draft that was parked meanwhile learns its true outcome; any other is left alone.
     *  @returns whether a process is to hear of it */
    async record(outcomes: Outcome[]): Promise<boolean> {
      const rows = outcomes.map((one) => ({ ...one, event: eventOf(one), attempts: isAttempt(one) ? 1 : 0 }));
      const [recorded] = await db.$queryRaw<{ told: boolean }[]>`
        WITH r AS (
          SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
            AS r (id uuid, status text, outcome text, code text, "retrySeconds" float8, event text, attempts int)
        ), done AS (
          UPDATE drafts d SET status = r.status, outcome = r.outcome, failure_code = r.code, version = d.version + 1,
            updated_at = clock_timestamp(),
            sent_at = CASE r.status WHEN 'sent' THEN clock_timestamp() END,
            attempts = d.attempts + r.attempts,
            next_attempt_at = CASE r.status WHEN 'scheduled' THEN clock_timestamp() + make_interval(secs => coalesce(r."retrySeconds", 0)) END,
            claim_owner = CASE r.outcome WHEN 'unknown' THEN d.claim_owner END
          FROM r
          WHERE d.id = r.id AND d.claim_owner = ${owner}::uuid
            AND (d.status = 'sending' OR (d.status = 'failed' AND d.outcome = 'unknown'))
          RETURNING d.*, r.event
        ), heard AS (SELECT * FROM done WHERE event IS NOT NULL)
        ${tellAndAudit()}`;
      return recorded?.told ?? false;
    },

    /** Gives back what was claimed and not opened. */
    async release(): Promise<void> {
      await db.$executeRaw`UPDATE drafts SET claim_owner = NULL WHERE claim_owner = ${owner}::uuid AND status = 'scheduled'`;
    },
  };
}

/** A mail that waits for the service again has nothing to tell. */
function eventOf({ status, outcome, retrySeconds }: Outcome): string | null {
  if (outcome === 'unknown') return 'draft.parked';
  if (status === 'scheduled') return retrySeconds === null ? null : 'draft.postponed';
  return `draft.${status}`;
}

/** What came of our own store, or of the service as a whole, is no attempt at this recipient. */
const isAttempt = ({ status, code }: Outcome) => status !== 'scheduled' || (code !== null && code !== STORE_AWAY);

/** Ends a statement whose `done` holds the changed drafts and `heard` those that their processes must hear of: `told` is
 *  whether one of them at once. The column's milliseconds round up. */
const tellAndAudit = () => Prisma.sql`, event AS (
    INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, data)
    SELECT ${UUIDV7}, done.event, updated_at, ${SYSTEM.id}::uuid, 'draft', done.id, revision,
      jsonb_strip_nulls(jsonb_build_object('code', failure_code))
    FROM done WHERE done.event IS NOT NULL
  ), news AS (
    SELECT e.id, i.generation, e.version, e.status, jsonb_build_object('generation', i.generation, 'version', e.version,
      'status', e.status, 'revision', e.revision, 'expiresAt', to_char(e.expires_at AT TIME ZONE 'UTC', ${ISO_8601}),
      'dueAt', to_char(e.due_at AT TIME ZONE 'UTC', ${ISO_8601}), 'outcome', e.outcome) AS message
    FROM heard e, instance i WHERE i.id = 1 AND e.needs_people
  ), ${WRITE_MESSAGES}
  SELECT EXISTS (SELECT 1 FROM told WHERE next_try < clock_timestamp() + interval '10 ms') AS told`;
