// The mail lane's own statements, under the fence that all lanes share (lane/claims.ts).
import { type Database, ISO_8601, Prisma, UUIDV7 } from '../../prisma/client';
import { SYSTEM } from '../commands/context';
import type { AttachmentView } from '../commands/draft-view';
import { createLaneClaims, type DueItems } from '../lane/claims';
import { WRITE_MESSAGES } from '../outbox/outbox';

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
  /** The trace of the request or step that released it. */
  traceparent: string | null;
}

/** What became of an open mail. */
export interface Outcome {
  id: string;
  status: 'sent' | 'failed' | 'blocked' | 'scheduled';
  outcome: 'delivered' | 'refused' | 'unknown' | null;
  code: string | null;
  /** With `scheduled`: when to try again; null means as soon as the service is back, and does not count as an attempt. */
  retrySeconds: number | null;
  /** Whether it was opened at all is not known: the database did not answer. */
  maybeUnopened?: true;
}

export interface Recorded {
  /** Whether a process is to hear of it. */
  told: boolean;
  /** The database no longer knows that a mail was opened: it went back in time. */
  forgot: boolean;
}

/** The failure code of a mail whose attachments can't be read now. */
export const STORE_AWAY = 'file_store_away';

export type Claims = ReturnType<typeof createClaims>;

/** @param owner drawn at random by one activity attempt */
export function createClaims(db: Database, lane: string, owner: string, mailDomain: string) {
  const { owned, ...shared } = createLaneClaims(db, lane, owner, DUE_MAILS);

  return {
    ...shared,

    /** Bytes may go out only for what this returns: it is committed as `sending` and still ours. Whether its recipient is
     *  suppressed is asked with the lane's lock in hand, which every new suppression takes too. */
    open(ids: string[]): Promise<OpenMail[]> {
      return db.$queryRaw<OpenMail[]>`
        WITH ${owned()}, opened AS (
          UPDATE drafts SET status = 'sending', version = version + 1, updated_at = clock_timestamp(),
            message_id = coalesce(message_id, '<' || id || '@' || ${mailDomain} || '>')
          WHERE id = ANY (${ids}::uuid[]) AND claim_owner = ${owner}::uuid AND status = 'scheduled' AND EXISTS (SELECT 1 FROM l)
            AND NOT is_suppressed(recipient_hashes)
          RETURNING id, revision, message_id, "to", recipient_hashes[1] AS recipient_hash, reply_to, attempts, traceparent
        )
        SELECT o.id, o.message_id AS "messageId", o."to", o.recipient_hash AS "recipientHash", o.reply_to AS "replyTo", r.subject, r.body, r.html,
          r.content_hash AS "contentHash", o.attempts, o.traceparent,
          (SELECT coalesce(json_agg(json_build_object('id', a.id, 'name', a.name, 'type', a.type, 'size', a.size, 'sha256', a.sha256)
                    ORDER BY da.position), '[]')
             FROM draft_attachments da JOIN attachments a ON a.id = da.attachment_id WHERE da.draft_id = o.id) AS attachments
        FROM opened o JOIN revisions r ON r.draft_id = o.id AND r.revision = o.revision`;
    },

    /** Ends those that `open` left out because their recipient is suppressed.
     *  @returns whether a process is to hear of it */
    async block(ids: string[]): Promise<boolean> {
      const [blocked] = await db.$queryRaw<{ told: boolean }[]>`
        WITH ${owned()}, done AS (
          UPDATE drafts SET status = 'blocked', outcome = 'suppressed', failure_code = 'suppressed', version = version + 1,
            updated_at = clock_timestamp(), next_attempt_at = NULL, claim_owner = NULL
          WHERE id = ANY (${ids}::uuid[]) AND claim_owner = ${owner}::uuid AND status = 'scheduled' AND EXISTS (SELECT 1 FROM l)
            AND is_suppressed(recipient_hashes)
          RETURNING *, 'draft.blocked' AS event
        ), heard AS (SELECT * FROM done)
        ${tellAndAudit()}`;
      return blocked?.told ?? false;
    },

    /** At once after the conversation. A draft that was parked meanwhile learns its true outcome, and so does one of which the
     *  database forgot that it was opened; any other is left alone. */
    async record(outcomes: Outcome[]): Promise<Recorded> {
      const rows = outcomes.map((one) => ({
        ...one,
        event: eventOf(one),
        attempts: isAttempt(one) ? 1 : 0,
        opened: !one.maybeUnopened,
      }));
      const [recorded] = await db.$queryRaw<Recorded[]>`
        WITH r AS (
          SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
            AS r (id uuid, status text, outcome text, code text, "retrySeconds" float8, event text, attempts int, opened boolean)
        ), forgotten AS (
          SELECT d.id FROM drafts d JOIN r USING (id) WHERE d.claim_owner = ${owner}::uuid AND d.status = 'scheduled' AND r.opened
        ), done AS (
          UPDATE drafts d SET status = r.status, outcome = r.outcome, failure_code = r.code, version = d.version + 1,
            updated_at = clock_timestamp(),
            sent_at = CASE r.status WHEN 'sent' THEN clock_timestamp() END,
            attempts = d.attempts + r.attempts,
            next_attempt_at = CASE r.status WHEN 'scheduled' THEN clock_timestamp() + make_interval(secs => coalesce(r."retrySeconds", 0)) END,
            claim_owner = CASE r.outcome WHEN 'unknown' THEN d.claim_owner END
          FROM r
          WHERE d.id = r.id AND d.claim_owner = ${owner}::uuid
            AND (d.status IN ('scheduled', 'sending') OR (d.status = 'failed' AND d.outcome = 'unknown'))
          RETURNING d.*, r.event
        ), heard AS (SELECT * FROM done WHERE event IS NOT NULL)
        ${tellAndAudit()}, EXISTS (SELECT 1 FROM forgotten) AS forgot`;
      return recorded ?? { told: false, forgot: false };
    },
  };
}

/** What another owner had open is parked: nobody knows whether that mail has left. */
const DUE_MAILS: DueItems = {
  table: 'drafts',
  id: 'id',
  waiting: 'scheduled',
  open: 'sending',
  async settle(tx, owner, mayBeOpen) {
    const [parked] = await tx.$queryRaw<{ told: boolean }[]>`
      WITH done AS (
        UPDATE drafts SET
          claim_owner = CASE WHEN ${mayBeOpen} THEN claim_owner END,
          failure_code = CASE WHEN ${mayBeOpen} THEN 'outcome_unknown' ELSE failure_code END,
          outcome = CASE WHEN ${mayBeOpen} THEN 'unknown' ELSE outcome END,
          version = CASE WHEN ${mayBeOpen} THEN version + 1 ELSE version END,
          updated_at = CASE WHEN ${mayBeOpen} THEN clock_timestamp() ELSE updated_at END,
          status = CASE WHEN ${mayBeOpen} THEN 'failed' ELSE status END
        WHERE claim_owner <> ${owner}::uuid AND status IN ('scheduled', 'sending')
        RETURNING *, CASE status WHEN 'failed' THEN 'draft.parked' END AS event
      ), heard AS (SELECT * FROM done WHERE event IS NOT NULL)
      ${tellAndAudit()}`;
    return parked?.told ?? false;
  },
};

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
