// A draft comes in: policy decides whether a person is needed, in the same statement that stores it.
import { createHash } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { type Database, Prisma } from '../../prisma/client';
import type { DraftStatus } from '../../workflows/contracts/draft-approval';
import { dueTime } from './change-draft';
import { type CommandContext, type CommandDependencies, SYSTEM } from './context';
import { hashContent } from './draft-content';
import { type DraftRecord, readSubmitted, toState, toView } from './draft-record';
import type { AttachmentView, DraftView } from './draft-view';
import type { SubmitInput } from './index';
import { decide, type Outcome, type PolicyDecision } from './policy';
import { createPolicyCache, type StoredPolicy } from './policy-cache';
import { Refusal } from './refusal';

const HOUR_MS = 3_600_000;
const STATUS: Record<Outcome, DraftStatus> = {
  auto_approve: 'scheduled',
  require: 'pending_review',
  reject: 'rejected',
};
const EVENTS: Record<Outcome, string[]> = {
  auto_approve: ['draft.submitted', 'draft.approved', 'draft.released'],
  require: ['draft.submitted'],
  reject: ['draft.submitted', 'draft.rejected'],
};

export function createSubmitDraft({ db, announce, settings }: CommandDependencies) {
  const policies = createPolicyCache(db);

  return async function submitDraft(context: CommandContext, input: SubmitInput): Promise<DraftView> {
    const requestHash = hashRequest(input);
    for (;;) {
      const attachments = await readAttachments(db, context.actor.id, input.attachments ?? []);
      const policy = await policies.current();
      const draft = prepare(context, input, attachments, policy);
      const stored = await store(db, context, draft, requestHash, input.idempotencyKey).catch(nullWhereAttachmentWent);
      if (stored) {
        announce({
          ...(draft.needsPeople ? { message: { draftId: draft.id, state: toState(stored) } } : {}),
          mailDue: stored.dueAt !== null && stored.dueAt <= stored.now,
        });
        // The answer tells the decision; the release, which is part of it, shows in every later look.
        return toView(stored.status === 'scheduled' ? { ...stored, status: 'approved' } : stored);
      }
      const earlier = input.idempotencyKey ? await readSubmitted(db, context.actor.id, input.idempotencyKey) : null;
      if (earlier) return replay(earlier, requestHash);
      policies.forget(policy);
    }
  };

  function prepare(
    { actor }: CommandContext,
    input: SubmitInput,
    attachments: AttachmentView[],
    policy: StoredPolicy,
  ): DraftRecord {
    const id = uuidv7();
    const now = new Date();
    const confidence = input.confidence ?? null;
    const decision: PolicyDecision = decide({ confidence, author: actor.name, sample: sampleOf(id) }, policy.document);
    const needsPeople = decision.outcome === 'require';
    const sendAt = input.sendAt === undefined ? null : new Date(input.sendAt);
    const deadlineHours = decision.deadlineHours ?? settings.APPROVAL_DEADLINE_HOURS;
    const dueAt = decision.outcome === 'auto_approve' ? dueTime(now, sendAt, settings.UNDO_WINDOW_SECONDS) : null;
    return {
      id,
      generation: 0,
      version: 1,
      status: STATUS[decision.outcome],
      revision: 1,
      authorId: actor.id,
      author: actor.name,
      to: input.to,
      replyTo: input.replyTo ?? null,
      campaign: input.campaign ?? null,
      confidence,
      metadata: input.metadata ?? null,
      decision: { ...decision, policyVersion: policy.version },
      createdAt: now,
      updatedAt: now,
      expiresAt: needsPeople ? new Date(now.getTime() + deadlineHours * HOUR_MS) : null,
      dueAt,
      sentAt: null,
      messageId: null,
      outcome: null,
      failureCode: null,
      needsPeople,
      nextAttemptAt: dueAt,
      attempts: 0,
      requestHash: null,
      subject: input.subject,
      body: input.body,
      html: input.html ?? null,
      sendAt,
      editors: [actor.id],
      attachments,
      verdicts: [],
      now,
    };
  }
}

/** Null where the idempotency key is taken, or the policy has changed since it was read. */
async function store(
  db: Database,
  { actor, requestId }: CommandContext,
  draft: DraftRecord,
  requestHash: Uint8Array,
  idempotencyKey: string | undefined,
): Promise<DraftRecord | null> {
  const events = EVENTS[draft.decision.outcome];
  const eventIds = events.map(() => uuidv7());
  // The first is the author's, the others Countersign's own. One statement writes them, so that they stay in order.
  const actors = events.map((_, i) => (i === 0 ? actor.id : SYSTEM.id));
  const data = JSON.stringify({ policyVersion: draft.decision.policyVersion });
  const files = draft.attachments.map(({ id }) => id);
  const rows = await db.$queryRaw<{ generation: number }[]>`
    WITH draft AS (
      INSERT INTO drafts (id, status, author_id, "to", reply_to, campaign, confidence, metadata, decision, idempotency_key,
        request_hash, created_at, updated_at, expires_at, due_at, next_attempt_at, needs_people)
      SELECT ${draft.id}::uuid, ${draft.status}, ${draft.authorId}::uuid, ${draft.to}, ${draft.replyTo}, ${draft.campaign},
        ${draft.confidence}::float8, ${draft.metadata && JSON.stringify(draft.metadata)}::jsonb, ${JSON.stringify(draft.decision)}::jsonb,
        ${idempotencyKey ?? null}, ${requestHash}, ${draft.createdAt}::timestamptz, ${draft.createdAt}::timestamptz,
        ${draft.expiresAt}::timestamptz, ${draft.dueAt}::timestamptz, ${draft.nextAttemptAt}::timestamptz, ${draft.needsPeople}
      WHERE (SELECT max(version) FROM policies) = ${draft.decision.policyVersion}
      ON CONFLICT (author_id, idempotency_key) DO NOTHING
      RETURNING id, created_at
    ), revision AS (
      INSERT INTO revisions (draft_id, revision, subject, body, html, send_at, editor_id, content_hash, created_at)
      SELECT id, 1, ${draft.subject}, ${draft.body}, ${draft.html}, ${draft.sendAt}::timestamptz, ${actor.id}::uuid,
        ${hashContent({ ...draft, subject: draft.subject ?? '', body: draft.body ?? '' })}, created_at FROM draft
    ), event AS (
      INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
      SELECT e.id, e.type, created_at, e.actor, 'draft', draft.id, 1, ${requestId}::uuid, ${data}::jsonb
      FROM draft, unnest(${eventIds}::uuid[], ${events}::text[], ${actors}::uuid[]) WITH ORDINALITY AS e (id, type, actor, n) ORDER BY n
    )${
      files.length === 0
        ? Prisma.empty
        : Prisma.sql`, attached AS (
      INSERT INTO draft_attachments (draft_id, attachment_id, position)
      SELECT draft.id, f.id, f.n FROM draft, unnest(${files}::uuid[]) WITH ORDINALITY AS f (id, n)
    )`
    }${
      draft.needsPeople
        ? Prisma.sql`, told AS (
      INSERT INTO outbox (process, entity_id, generation, version, message, next_try)
      SELECT 'draftApproval', draft.id, i.generation, 1,
        ${JSON.stringify(toState(draft))}::jsonb || jsonb_build_object('generation', i.generation),
        clock_timestamp() + interval '5 seconds' FROM draft, instance i WHERE i.id = 1
    )`
        : Prisma.empty
    }
    SELECT i.generation FROM draft, instance i WHERE i.id = 1`;
  return rows[0] ? { ...draft, generation: rows[0].generation } : null;
}

/** The sweep of unused attachments was there first: the next look finds which one is gone. */
function nullWhereAttachmentWent(error: unknown): null {
  const { driverAdapterError } =
    (error as { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } }).meta ?? {};
  if (driverAdapterError?.cause?.originalCode === '23503') return null;
  throw error;
}

async function readAttachments(db: Database, uploaderId: string, ids: string[]): Promise<AttachmentView[]> {
  if (ids.length === 0) return [];
  const found = await db.attachment.findMany({
    where: { id: { in: ids }, uploaderId },
    select: { id: true, name: true, type: true, size: true, sha256: true },
  });
  const byId = new Map(found.map((one) => [one.id, one]));
  const errors = ids.flatMap((id, i) =>
    byId.has(id)
      ? []
      : [
          {
            path: `attachments.${i}`,
            message: 'is no attachment of yours: upload it first (unused ones go after a day)',
          },
        ],
  );
  if (errors.length > 0) throw new Refusal('invalid', 'An attachment is unknown.', errors);
  return ids.flatMap((id) => byId.get(id) ?? []);
}

function replay(earlier: DraftRecord, requestHash: Uint8Array): DraftView {
  if (earlier.status === 'erased') throw new Refusal('erased', 'The draft of this idempotency key has been erased.');
  if (!earlier.requestHash || !Buffer.from(earlier.requestHash).equals(requestHash)) {
    throw new Refusal(
      'idempotency_mismatch',
      'This idempotency key belongs to another draft; use a new key for a new draft.',
    );
  }
  return toView(earlier);
}

function hashRequest({ idempotencyKey: _, ...input }: SubmitInput): Uint8Array<ArrayBuffer> {
  const sorted = Object.fromEntries(Object.entries(input).sort(([a], [b]) => a.localeCompare(b)));
  return Uint8Array.from(createHash('sha256').update(JSON.stringify(sorted)).digest());
}

/** In [0, 1), from the random half of the draft's id. */
const sampleOf = (id: string) => Number.parseInt(id.slice(-12), 16) / 2 ** 48;
