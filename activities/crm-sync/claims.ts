// The HubSpot lane's own statements, under the fence that all lanes share (lane/claims.ts).
import { type Database, UUIDV7 } from '../../prisma/client';
import { HUBSPOT_LANE } from '../../workflows/contracts/lane';
import { SYSTEM } from '../commands/context';
import { createLaneClaims, type DueItems } from '../lane/claims';

/** A mail as HubSpot is to have it. */
export interface OpenSync {
  /** Of the draft. */
  id: string;
  to: string;
  messageId: string;
  sentAt: Date;
  subject: string;
  /** The first 65,000 characters. */
  body: string;
  /** Earlier attempts at this mail. */
  attempts: number;
  /** HubSpot may have it already. */
  maybeLogged: boolean;
}

/** The outcome of one open item. */
export interface SyncOutcome {
  id: string;
  status: 'logged' | 'failed' | 'waiting';
  /** Why it failed, or waits; null otherwise. */
  code: string | null;
  /** With `waiting`: when to try again; null means as soon as the service is back, and does not count as an attempt. */
  retrySeconds: number | null;
  /** HubSpot may have it, though it did not say so. */
  maybeLogged: boolean;
  /** With `logged`: the id of the email in HubSpot. */
  hubspotId: string | null;
}

/** HubSpot takes 65,536 characters of a text, and does not say how it counts them. */
export const BODY_LENGTH = 65_000;
/** HubSpot's search learns of a new email some seconds later. */
const INDEXED_AFTER_SECONDS = 60;
/** The erasure removes the item, unless it is cancelled. */
const ASKS_AGAIN_SECONDS = 3_600;

/** An answer that was lost may have said that the mail is logged. */
const DUE_SYNCS: DueItems = {
  table: 'crm_syncs',
  id: 'draft_id',
  waiting: 'waiting',
  open: 'syncing',
  async settle(tx, owner, mayBeOpen) {
    await tx.$executeRaw`
      UPDATE crm_syncs SET status = 'waiting', claim_owner = NULL, maybe_logged = maybe_logged OR ${mayBeOpen},
        next_attempt_at = CASE WHEN ${mayBeOpen} THEN clock_timestamp() + make_interval(secs => ${INDEXED_AFTER_SECONDS})
          ELSE next_attempt_at END
      WHERE claim_owner <> ${owner}::uuid AND status IN ('waiting', 'syncing')`;
    return false;
  },
};

export type SyncClaims = ReturnType<typeof createSyncClaims>;

/** @param owner drawn at random by one activity attempt */
export function createSyncClaims(db: Database, owner: string) {
  const { owned, ...shared } = createLaneClaims(db, HUBSPOT_LANE, owner, DUE_SYNCS);

  return {
    ...shared,

    /** HubSpot may hear only of what this returns: it is committed as `syncing` and still ours. Whether its recipient is being
     *  erased is asked with the lane's lock in hand, which every accepted erasure takes too. */
    open(ids: string[]): Promise<OpenSync[]> {
      return db.$queryRaw<OpenSync[]>`
        WITH ${owned()}, opened AS (
          UPDATE crm_syncs s SET status = 'syncing', next_attempt_at = NULL
          FROM drafts d, instance i
          WHERE s.draft_id = ANY (${ids}::uuid[]) AND s.claim_owner = ${owner}::uuid AND s.status = 'waiting' AND i.id = 1
            AND d.id = s.draft_id AND d.status = 'sent' AND EXISTS (SELECT 1 FROM l) AND NOT is_being_erased(d.recipient_hashes)
          RETURNING d.id, d."to", d.message_id, d.sent_at, d.revision, s.attempts, s.maybe_logged OR s.generation < i.generation AS maybe_logged
        )
        SELECT o.id, o."to", o.message_id AS "messageId", o.sent_at AS "sentAt", o.attempts, o.maybe_logged AS "maybeLogged",
          r.subject, left(r.body, ${BODY_LENGTH}) AS body
        FROM opened o JOIN revisions r ON r.draft_id = o.id AND r.revision = o.revision`;
    },

    /** Puts off those that `open` left out. */
    async postpone(ids: string[]): Promise<void> {
      await db.$executeRaw`
        WITH ${owned()}
        UPDATE crm_syncs SET claim_owner = NULL, failure_code = 'recipient_erased',
          next_attempt_at = clock_timestamp() + make_interval(secs => ${ASKS_AGAIN_SECONDS})
        WHERE draft_id = ANY (${ids}::uuid[]) AND claim_owner = ${owner}::uuid AND status = 'waiting' AND EXISTS (SELECT 1 FROM l)`;
    },

    /** Records at once what HubSpot has answered. */
    async record(outcomes: readonly SyncOutcome[]): Promise<void> {
      const rows = outcomes.map((one) => ({ ...one, attempts: isAttempt(one) ? 1 : 0, ...again(one) }));
      await db.$executeRaw`
        WITH r AS (
          SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r (id uuid, status text, code text, seconds float8,
            "maybeLogged" boolean, "hubspotId" text, attempts int)
        ), done AS (
          UPDATE crm_syncs s SET status = r.status, failure_code = r.code, attempts = s.attempts + r.attempts, claim_owner = NULL,
            maybe_logged = r.status <> 'logged' AND (s.maybe_logged OR r."maybeLogged"),
            hubspot_id = coalesce(r."hubspotId", s.hubspot_id),
            logged_at = CASE r.status WHEN 'logged' THEN clock_timestamp() END,
            next_attempt_at = CASE r.status WHEN 'waiting' THEN clock_timestamp() + make_interval(secs => r.seconds) END
          FROM r WHERE s.draft_id = r.id AND s.claim_owner = ${owner}::uuid
          RETURNING s.draft_id, s.status, s.failure_code
        )
        INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, data)
        SELECT ${UUIDV7}, CASE status WHEN 'logged' THEN 'crm.logged' ELSE 'crm.failed' END, clock_timestamp(), ${SYSTEM.id}::uuid,
          'draft', draft_id, jsonb_strip_nulls(jsonb_build_object('code', failure_code))
        FROM done WHERE status <> 'waiting'`;
    },
  };
}

/** Returns false if the service as a whole failed: that is no attempt at this mail. */
const isAttempt = ({ status, code }: SyncOutcome) => status !== 'waiting' || code !== null;

/** It is searched for before it is logged again, and the search has to know it by then. */
const again = ({ retrySeconds, maybeLogged }: SyncOutcome) => ({
  seconds: Math.max(retrySeconds ?? 0, maybeLogged ? INDEXED_AFTER_SECONDS : 0),
});
