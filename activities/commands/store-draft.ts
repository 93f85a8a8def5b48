// The one statement that stores a new draft: its row, its words, its first events, and the message to its process.
// The database's clock sets its times, as it decides on them later.
import { uuidv7 } from 'uuidv7';
import { currentTraceparent } from '../../ops/runtime/trace-context';
import { type Database, ISO_8601, Prisma } from '../../prisma/client';
import { writeMessages } from '../outbox/outbox';
import { type CommandContext, SYSTEM } from './context';
import { hashContent } from './draft-content';
import type { DraftRecord } from './draft-record';
import type { Outcome } from './policy';

type Times = Pick<DraftRecord, 'createdAt' | 'expiresAt' | 'dueAt' | 'now'>;

export interface NewDraft
  extends Omit<DraftRecord, keyof Times | 'generation' | 'updatedAt' | 'nextAttemptAt' | 'requestHash'> {
  requestHash: Uint8Array;
  /** With `decision.policyVersion`, the policy that decided. */
  policyGeneration: number;
  recipientHashes: Uint8Array[];
  /** Null: nobody has to decide. */
  decidedWithinHours: number | null;
  /** Null: it is not to be sent. */
  sentAfterSeconds: number | null;
}

const EVENTS: Record<Outcome, string[]> = {
  auto_approve: ['draft.submitted', 'draft.approved', 'draft.released'],
  require: ['draft.submitted'],
  reject: ['draft.submitted', 'draft.rejected'],
};

/** Null where the idempotency key is taken, or the policy has changed since it was read. */
export async function storeDraft(
  db: Database,
  { actor, requestId }: CommandContext,
  draft: NewDraft,
  idempotencyKey: string | undefined,
): Promise<DraftRecord | null> {
  const events = EVENTS[draft.decision.outcome];
  const eventIds = events.map(() => uuidv7());
  // The first is the author's, the others Countersign's own. One statement writes them, so that they stay in order.
  const actors = events.map((_, i) => (i === 0 ? actor.id : SYSTEM.id));
  const data = JSON.stringify({ policyVersion: draft.decision.policyVersion });
  const contentHash = hashContent({ ...draft, subject: draft.subject ?? '', body: draft.body ?? '' });
  const [stored] = await db.$queryRaw<(Times & { generation: number })[]>`
    WITH t AS MATERIALIZED (SELECT date_trunc('milliseconds', clock_timestamp()) AS now), times AS (
      SELECT now, now + make_interval(secs => ${draft.decidedWithinHours}::float8 * 3600) AS expires,
        greatest(${draft.sendAt}::timestamptz, now + make_interval(secs => ${draft.sentAfterSeconds}::float8)) AS due,
        ${draft.sentAfterSeconds}::float8 IS NOT NULL AS sends
      FROM t
    ), draft AS (
      INSERT INTO drafts (id, status, author_id, "to", recipient_hashes, reply_to, campaign, confidence, metadata, decision, idempotency_key,
        request_hash, created_at, updated_at, expires_at, due_at, next_attempt_at, needs_people, traceparent)
      SELECT ${draft.id}::uuid, ${draft.status}, ${draft.authorId}::uuid, ${draft.to}, ${draft.recipientHashes}, ${draft.replyTo}, ${draft.campaign},
        ${draft.confidence}::float8, ${draft.metadata && JSON.stringify(draft.metadata)}::jsonb, ${JSON.stringify(draft.decision)}::jsonb,
        ${idempotencyKey ?? null}, ${draft.requestHash}, now, now, expires,
        CASE WHEN sends THEN due END, CASE WHEN sends THEN due END, ${draft.needsPeople}, ${currentTraceparent()}
      FROM times, instance i WHERE i.id = 1 AND i.generation = ${draft.policyGeneration}
        AND (SELECT max(version) FROM policies) = ${draft.decision.policyVersion}
      ON CONFLICT (author_id, idempotency_key) DO NOTHING
      RETURNING id, created_at, expires_at, due_at
    ), revision AS (
      INSERT INTO revisions (draft_id, revision, subject, body, html, send_at, editor_id, content_hash, created_at)
      SELECT id, 1, ${draft.subject}, ${draft.body}, ${draft.html}, ${draft.sendAt}::timestamptz, ${actor.id}::uuid,
        ${contentHash}, created_at FROM draft
    ), event AS (
      INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
      SELECT e.id, e.type, created_at, e.actor, 'draft', draft.id, 1, ${requestId}::uuid, ${data}::jsonb
      FROM draft, unnest(${eventIds}::uuid[], ${events}::text[], ${actors}::uuid[]) WITH ORDINALITY AS e (id, type, actor, n) ORDER BY n
    )${attach(draft)}${draft.needsPeople ? insertMessage(draft) : Prisma.empty}
    SELECT i.generation, created_at AS "createdAt", expires_at AS "expiresAt", due_at AS "dueAt", created_at AS now
    FROM draft, instance i WHERE i.id = 1`;
  if (!stored) return null;
  const {
    decidedWithinHours: _,
    sentAfterSeconds: __,
    recipientHashes: ___,
    policyGeneration: ____,
    ...record
  } = draft;
  return { ...record, ...stored, updatedAt: stored.createdAt, nextAttemptAt: stored.dueAt };
}

function attach({ attachments }: NewDraft): Prisma.Sql {
  if (attachments.length === 0) return Prisma.empty;
  const files = attachments.map(({ id }) => id);
  return Prisma.sql`, attached AS (
      INSERT INTO draft_attachments (draft_id, attachment_id, position)
      SELECT draft.id, f.id, f.n FROM draft, unnest(${files}::uuid[]) WITH ORDINALITY AS f (id, n)
    )`;
}

const insertMessage = ({ version, status, revision, outcome }: NewDraft): Prisma.Sql => Prisma.sql`, news AS (
      SELECT draft.id, i.generation, ${version}::int AS version, ${status}::text AS status,
        ${JSON.stringify({ version, status, revision, dueAt: null, outcome })}::jsonb || jsonb_build_object(
          'generation', i.generation, 'expiresAt', to_char(draft.expires_at AT TIME ZONE 'UTC', ${ISO_8601})) AS message
      FROM draft, instance i WHERE i.id = 1
    ), ${writeMessages(currentTraceparent())}`;
