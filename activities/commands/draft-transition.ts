// The one way a draft changes: read it, ask a pure rule, write on the version that was read, or read again.
// One round trip to read, one to write state, verdict, revision, audit event and outbox message together.
import { uuidv7 } from 'uuidv7';
import { currentTraceparent } from '../../ops/runtime/trace-context';
import { type Database, Prisma } from '../../prisma/client';
import type { DraftStatus } from '../../workflows/contracts/draft-approval';
import { isUrgent, writeMessages } from '../outbox/outbox';
import type { CommandContext, CommandDependencies } from './context';
import { type DraftRecord, readDraft, toState, type VerdictRecord } from './draft-record';
import { Refusal } from './refusal';
import { auditRefusals } from './refusals';

export interface NewRevision {
  subject: string;
  body: string;
  html: string | null;
  sendAt: Date | null;
  contentHash: Uint8Array;
}

export interface Change {
  status: DraftStatus;
  /** The audit event: a type and codes. */
  event: string;
  data?: Record<string, unknown>;
  /** What a person wrote beside it. */
  note?: string | undefined;
  verdict?: { verdict: VerdictRecord['verdict']; comment: string | null };
  /** Becomes the current revision; approvals of older ones are dismissed. */
  revision?: NewRevision;
  expiresAt?: Date;
  dueAt?: Date | null;
  /** Takes the address away. */
  replyTo?: null;
  sentAt?: Date;
  /** Where what policy decided holds no more. */
  decision?: DraftRecord['decision'];
  outcome?: DraftRecord['outcome'];
  /** Applies only before this moment by the database's clock. */
  before?: Date | null;
}

/** Null: nothing to change, the draft as it is answers the command. Throws Refusal. */
export type Rule = (draft: DraftRecord) => Change | null;

const ATTEMPTS = 100;

export async function transition(
  { db, announce }: Pick<CommandDependencies, 'db' | 'announce'>,
  context: CommandContext,
  id: string,
  rule: Rule,
): Promise<DraftRecord> {
  const refuse = (refusal: Refusal) =>
    auditRefusals(db, context, { subject: 'draft', subjectId: id }, (): never => {
      throw refusal;
    });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const draft = await readDraft(db, id);
    if (!draft) return refuse(new Refusal('not_found', 'There is no such draft.'));
    const { revision } = draft;
    const change = await auditRefusals(db, context, { subject: 'draft', subjectId: id, revision }, () => rule(draft));
    if (change === null) return draft;
    const event = uuidv7();
    const changed = await write(db, context, draft, change, event);
    if (!changed) continue;
    announce({
      event,
      told: isUrgent(changed),
      mailDue: changed.status === 'scheduled' && changed.dueAt !== null && changed.dueAt <= changed.updatedAt,
    });
    return changed;
  }
  return refuse(new Refusal('busy', 'Too many changes are made to this draft at once; try again.'));
}

async function write(
  db: Database,
  { actor, requestId }: CommandContext,
  draft: DraftRecord,
  change: Change,
  eventId: string,
): Promise<DraftRecord | null> {
  const next: DraftRecord = {
    ...draft,
    status: change.status,
    version: draft.version + 1,
    revision: draft.revision + (change.revision ? 1 : 0),
    needsPeople: draft.needsPeople || change.revision !== undefined,
    expiresAt: change.expiresAt ?? draft.expiresAt,
    dueAt: change.dueAt === undefined ? draft.dueAt : change.dueAt,
    replyTo: change.replyTo === undefined ? draft.replyTo : change.replyTo,
    sentAt: change.sentAt ?? draft.sentAt,
    decision: change.decision ?? draft.decision,
    outcome: change.outcome === undefined ? draft.outcome : change.outcome,
    failureCode: change.outcome === undefined ? draft.failureCode : null,
    nextAttemptAt: change.status === 'scheduled' ? (change.dueAt ?? draft.now) : null,
    attempts: change.status === 'scheduled' ? 0 : draft.attempts,
    ...(change.revision ? { ...change.revision, editors: [...draft.editors, actor.id] } : {}),
  };
  const { verdict, revision, note } = change;
  const rows = await db.$queryRaw<{ at: Date }[]>`
    WITH changed AS (
      UPDATE drafts SET status = ${next.status}, revision = ${next.revision}, version = ${next.version},
        needs_people = ${next.needsPeople}, updated_at = clock_timestamp(), expires_at = ${next.expiresAt}::timestamptz,
        due_at = ${next.dueAt}::timestamptz, reply_to = ${next.replyTo}, sent_at = ${next.sentAt}::timestamptz, outcome = ${next.outcome},
        failure_code = ${next.failureCode}, next_attempt_at = ${next.nextAttemptAt}::timestamptz,
        attempts = ${next.attempts}, claim_owner = NULL, traceparent = coalesce(${currentTraceparent()}, traceparent), decision = coalesce(${change.decision ? JSON.stringify(change.decision) : null}::jsonb, decision)
      WHERE id = ${draft.id}::uuid AND version = ${draft.version}
        AND (${change.before ?? null}::timestamptz IS NULL OR clock_timestamp() < ${change.before ?? null}::timestamptz)
      RETURNING id, updated_at AS at
    ), event AS (
      INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
      SELECT ${eventId}::uuid, ${change.event}, at, ${actor.id}::uuid, 'draft', id, ${next.revision},
        ${requestId}::uuid, ${JSON.stringify(change.data ?? {})}::jsonb FROM changed
    )${verdict ? insertVerdict(eventId, next.revision, actor.id, verdict) : Prisma.empty}${
      revision ? insertRevision(next.revision, actor.id, revision) : Prisma.empty
    }${
      note === undefined
        ? Prisma.empty
        : Prisma.sql`, noted AS (
      INSERT INTO notes (id, draft_id, text) SELECT ${eventId}::uuid, id, ${note} FROM changed
    )`
    }${next.needsPeople ? insertMessage(next) : Prisma.empty}
    SELECT at FROM changed`;
  const at = rows[0]?.at;
  if (!at) return null;
  const verdicts = revision ? next.verdicts.map((one) => ({ ...one, dismissed: true })) : next.verdicts;
  const own = verdict && {
    ...verdict,
    principalId: actor.id,
    by: actor.name,
    revision: next.revision,
    at: at.toISOString(),
    dismissed: false,
  };
  return { ...next, updatedAt: at, verdicts: own ? [...verdicts, own] : verdicts };
}

const insertVerdict = (
  eventId: string,
  revision: number,
  principalId: string,
  { verdict, comment }: NonNullable<Change['verdict']>,
) => Prisma.sql`, judged AS (
      INSERT INTO verdicts (id, draft_id, revision, principal_id, verdict, comment, at)
      SELECT ${eventId}::uuid, id, ${revision}, ${principalId}::uuid, ${verdict}, ${comment}, at FROM changed
    )`;

const insertRevision = (revision: number, editorId: string, content: NewRevision) => Prisma.sql`, revised AS (
      INSERT INTO revisions (draft_id, revision, subject, body, html, send_at, editor_id, content_hash, created_at)
      SELECT id, ${revision}, ${content.subject}, ${content.body}, ${content.html}, ${content.sendAt}::timestamptz,
        ${editorId}::uuid, ${content.contentHash}, at FROM changed
    ), dismissed AS (
      UPDATE verdicts v SET dismissed_at = changed.at FROM changed WHERE v.draft_id = changed.id AND v.dismissed_at IS NULL
    )`;

const insertMessage = (next: DraftRecord) => Prisma.sql`, news AS (
      SELECT id, ${next.generation}::int AS generation, ${next.version}::int AS version, ${next.status}::text AS status,
        ${JSON.stringify(toState(next))}::jsonb AS message FROM changed
    ), ${writeMessages(currentTraceparent())}`;
