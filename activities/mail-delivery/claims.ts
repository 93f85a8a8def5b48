// The lane's statements. Each acts only while this attempt owns the lane (docs/architecture.md, "The lane's protocol"):
// without that fence a frozen worker and its successor would both send.
import { type Database, ISO_8601, NOT_SYNCED, Prisma, SERVER, UUIDV7 } from '../../prisma/client';
import type { Watermark } from '../../workflows/contracts/lane';
import { SYSTEM } from '../commands/context';
import type { AttachmentView } from '../commands/draft-view';
import { WRITE_MESSAGES } from '../outbox/outbox';
import { isBehind } from './watermark';

export interface LaneRow {
  journalRun: string | null;
  failures: number;
  failingSince: Date | null;
  sent: bigint;
  mark: Watermark;
}

/** `behind`: the database is not as far as is known of it, so time was rewound. `other_server`: nothing has been done yet. */
export type TakenOver =
  | { state: 'owned'; lane: LaneRow; told: boolean }
  | { state: 'held' | 'behind' | 'other_server' };

export interface Unsettled {
  owner: string;
  /** The drafts that it may have opened. It claimed others too, and opened none of them. */
  opened: readonly string[];
}

export interface TakeOver {
  /** An earlier attempt of this process that could not give back what it had claimed; null if there is none. */
  unsettled: Unsettled | null;
  /** Whether a server that is another than the last owner's may be worked with. */
  isLookedAt: boolean;
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

export interface Claim {
  owned: boolean;
  ids: string[];
  /** After this claim; null where nothing was due. */
  mark: Watermark | null;
  /** Where nothing was due: when the next mail is; null where none is scheduled. */
  nextInMs: number | null;
}

/** The failure code of a mail whose attachments can't be read now. */
export const STORE_AWAY = 'file_store_away';

export type Claims = ReturnType<typeof createClaims>;

/** @param owner drawn at random by one activity attempt */
export function createClaims(db: Database, lane: string, owner: string, mailDomain: string) {
  /** How often the lane had claimed when this attempt last heard of it. A server that was started since, or that has been
   *  replaced by another one, is first compared with what is known elsewhere: only a takeover does that. */
  let known = 0;
  const isOurs = () =>
    Prisma.sql`name = ${lane} AND owner = ${owner}::uuid AND NOT held AND server = ${SERVER} AND claims >= ${known}`;
  const owned = () => Prisma.sql`l AS MATERIALIZED (SELECT 1 FROM lanes WHERE ${isOurs()} FOR SHARE)`;

  return {
    /**
     * Parks what another owner had open, and releases what it had only claimed. Where the server has changed since, what was
     * claimed may have been opened in a time that is gone, and is parked too.
     * @param least how far the database has been, as far as anybody knows
     */
    async takeOver(least: Watermark | null, { unsettled, isLookedAt }: TakeOver): Promise<TakenOver> {
      return db.$transaction(async (tx) => {
        const [row] = await tx.$queryRaw<Found[]>`
          SELECT l.held, l.claims, i.generation, l.server <> ${SERVER} AS "isOtherServer", l.journal_run AS "journalRun",
            l.failures, l.failing_since AS "failingSince", l.sent
          FROM lanes l, instance i WHERE l.name = ${lane} AND i.id = 1 FOR UPDATE OF l`;
        if (!row || row.held) return { state: 'held' };
        const mark = { generation: row.generation, claims: Number(row.claims) };
        if (least && isBehind(mark, least)) return { state: 'behind' };
        if (row.isOtherServer && !isLookedAt) return { state: 'other_server' };
        await tx.$executeRaw`UPDATE lanes SET owner = ${owner}::uuid, server = ${SERVER} WHERE name = ${lane}`;
        const isUnopened = unsettled
          ? Prisma.sql`(claim_owner = ${unsettled.owner}::uuid AND id <> ALL (${unsettled.opened}::uuid[]))`
          : Prisma.sql`false`;
        const mayBeOpen = Prisma.sql`(status = 'sending' OR (${row.isOtherServer ?? false}::boolean AND NOT ${isUnopened}))`;
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
        known = mark.claims;
        const { journalRun, failures, failingSince, sent } = row;
        return {
          state: 'owned',
          lane: { journalRun, failures, failingSince, sent, mark },
          told: parked?.told ?? false,
        };
      });
    },

    /** Takes up to `limit` mails that are due. `owned` false: the lane has another owner by now, is held, or the server has
     *  changed. What it claims is on disk when it returns: the journal must never know more than the database. */
    async claim(limit: number): Promise<Claim> {
      const [row] = await db.$queryRaw<(Omit<Claim, 'mark'> & { claims: bigint | null; generation: number })[]>`
        WITH l AS MATERIALIZED (SELECT 1 FROM lanes WHERE ${isOurs()} FOR NO KEY UPDATE), due AS (
          SELECT id FROM drafts
          WHERE status = 'scheduled' AND claim_owner IS NULL AND next_attempt_at <= now() AND EXISTS (SELECT 1 FROM l)
          ORDER BY next_attempt_at, id LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ), claimed AS (
          UPDATE drafts d SET claim_owner = ${owner}::uuid FROM due WHERE d.id = due.id RETURNING d.id
        ), counted AS (
          UPDATE lanes SET claims = claims + 1 WHERE name = ${lane} AND EXISTS (SELECT 1 FROM claimed) RETURNING claims
        )
        SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM claimed) THEN ${NOT_SYNCED} END AS "commits",
          EXISTS (SELECT 1 FROM l) AS owned, ARRAY(SELECT id FROM claimed) AS ids,
          (SELECT claims FROM counted) AS claims, (SELECT generation FROM instance WHERE id = 1) AS generation,
          CASE WHEN NOT EXISTS (SELECT 1 FROM due) THEN (
            SELECT extract(epoch FROM min(next_attempt_at) - clock_timestamp())::float8 * 1000
            FROM drafts WHERE status = 'scheduled' AND claim_owner IS NULL) END AS "nextInMs"`;
      if (!row) return { owned: false, ids: [], mark: null, nextInMs: null };
      const { owned, ids, claims, generation, nextInMs } = row;
      if (claims === null) return { owned, ids, mark: null, nextInMs };
      known = Number(claims);
      return { owned, ids, mark: { generation, claims: known }, nextInMs };
    },

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

    /** Gives back what was claimed and surely not opened. @param opened what this attempt may have opened */
    async release(opened: readonly string[]): Promise<void> {
      await db.$executeRaw`
        UPDATE drafts SET claim_owner = NULL
        WHERE claim_owner = ${owner}::uuid AND status = 'scheduled' AND id <> ALL (${opened}::uuid[])`;
    },
  };
}

interface Found extends Omit<LaneRow, 'mark'> {
  held: boolean;
  claims: bigint;
  generation: number;
  /** Null in what an older build has written. */
  isOtherServer: boolean | null;
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
