// A draft as PostgreSQL has it, read in one statement, and the views made of it.
import { type Database, ISO_8601, Prisma } from '../../prisma/client';
import { type DraftState, type DraftStatus, draftApprovalId } from '../../workflows/contracts/draft-approval';
import type { AttachmentView, DecisionView, DraftOutline, DraftView, ListedDraft } from './draft-view';
import { describeFailure } from './failure-codes';

export interface VerdictRecord {
  principalId: string;
  by: string;
  verdict: 'approve' | 'reject' | 'request_changes';
  revision: number;
  comment: string | null;
  at: string;
  dismissed: boolean;
}

export interface DraftRecord {
  id: string;
  generation: number;
  version: number;
  status: DraftStatus;
  revision: number;
  authorId: string;
  author: string;
  to: string | null;
  replyTo: string | null;
  campaign: string | null;
  confidence: number | null;
  metadata: Record<string, unknown> | null;
  decision: Omit<DecisionView, 'approvals'> & { deadlineHours?: number | null };
  createdAt: Date;
  updatedAt: Date;
  expiresAt: Date | null;
  dueAt: Date | null;
  sentAt: Date | null;
  messageId: string | null;
  outcome: DraftView['outcome'];
  failureCode: string | null;
  needsPeople: boolean;
  nextAttemptAt: Date | null;
  attempts: number;
  requestHash: Uint8Array | null;
  subject: string | null;
  body: string | null;
  html: string | null;
  sendAt: Date | null;
  /** Everybody who wrote a revision of it. */
  editors: string[];
  attachments: AttachmentView[];
  verdicts: VerdictRecord[];
  /** The database's clock when this was read. */
  now: Date;
}

/** In the order of `position`; dates inside are ISO 8601 with milliseconds, as PostgreSQL's own JSON has other digits. */
const recordWith = (texts: Prisma.Sql) => Prisma.sql`
  SELECT d.id, (SELECT generation FROM instance WHERE id = 1) AS generation, d.version, d.status, d.revision, d.author_id AS "authorId", p.name AS author,
    d."to", d.reply_to AS "replyTo", d.campaign, d.confidence, d.decision,
    d.created_at AS "createdAt", d.updated_at AS "updatedAt", d.expires_at AS "expiresAt", d.due_at AS "dueAt",
    d.sent_at AS "sentAt", d.message_id AS "messageId", d.outcome, d.failure_code AS "failureCode",
    d.needs_people AS "needsPeople", d.next_attempt_at AS "nextAttemptAt", d.attempts, d.request_hash AS "requestHash",
    ${texts}, r.send_at AS "sendAt", clock_timestamp() AS now,
    ARRAY(SELECT DISTINCT x.editor_id FROM revisions x WHERE x.draft_id = d.id) AS editors,
    (SELECT coalesce(json_agg(json_build_object('id', a.id, 'name', a.name, 'type', a.type, 'size', a.size, 'sha256', a.sha256)
              ORDER BY da.position), '[]')
       FROM draft_attachments da JOIN attachments a ON a.id = da.attachment_id WHERE da.draft_id = d.id) AS attachments,
    (SELECT coalesce(json_agg(json_build_object('principalId', v.principal_id, 'by', vp.name, 'verdict', v.verdict,
              'revision', v.revision, 'comment', v.comment, 'dismissed', v.dismissed_at IS NOT NULL,
              'at', to_char(v.at AT TIME ZONE 'UTC', ${ISO_8601})) ORDER BY v.at, v.id), '[]')
       FROM verdicts v JOIN principals vp ON vp.id = v.principal_id WHERE v.draft_id = d.id) AS verdicts
  FROM drafts d
  JOIN principals p ON p.id = d.author_id
  LEFT JOIN revisions r ON r.draft_id = d.id AND r.revision = d.revision`;
const RECORD = recordWith(Prisma.sql`r.subject, r.body, r.html, d.metadata`);
const LISTED = recordWith(Prisma.sql`r.subject, NULL AS body, NULL AS html, NULL AS metadata`);

export async function readDraft(db: Database, id: string): Promise<DraftRecord | null> {
  const [record] = await db.$queryRaw<DraftRecord[]>`${RECORD} WHERE d.id = ${id}::uuid`;
  return record ?? null;
}

export async function readSubmitted(
  db: Database,
  authorId: string,
  idempotencyKey: string,
): Promise<DraftRecord | null> {
  const [record] = await db.$queryRaw<DraftRecord[]>`
    ${RECORD} WHERE d.author_id = ${authorId}::uuid AND d.idempotency_key = ${idempotencyKey}`;
  return record ?? null;
}

/** Of `drafts d`: what a process needs to know. */
export const STATE = Prisma.sql`(SELECT generation FROM instance WHERE id = 1) AS generation, d.version, d.status, d.revision,
  d.expires_at AS "expiresAt", d.due_at AS "dueAt", d.outcome`;

export async function readDraftState(db: Database, id: string): Promise<DraftState | null> {
  const [row] = await db.$queryRaw<StateRow[]>`SELECT ${STATE} FROM drafts d WHERE id = ${id}::uuid`;
  return row ? toState(row) : null;
}

export async function readDraftView(db: Database, id: string): Promise<DraftView | null> {
  const record = await readDraft(db, id);
  return record && toView(record);
}

/** Without what its revisions say, which may be large. */
export async function readDraftOutline(db: Database, id: string): Promise<DraftOutline | null> {
  const [record] = await db.$queryRaw<DraftRecord[]>`
    ${recordWith(Prisma.sql`NULL AS subject, NULL AS body, NULL AS html, d.metadata`)} WHERE d.id = ${id}::uuid`;
  if (!record) return null;
  const { subject: _, body: __, html: ___, ...outline } = toView(record);
  return outline;
}

export interface DraftFilter {
  authorId?: string | undefined;
  /** Without it all but the erased, which say nothing any more. */
  status?: string | undefined;
  campaign?: string | undefined;
  /** A part of the subject, of the recipient, or of the first 20,000 characters of the body, in any case. */
  q?: string | undefined;
  /** Newest first: what comes after this one. */
  after?: { createdAt: Date; id: string } | undefined;
  limit: number;
}

/** As the indices have it (prisma/migrations/20261130000400_search). */
const search = (like: string) => Prisma.sql`
  SELECT x.draft_id FROM revisions x JOIN drafts y ON y.id = x.draft_id AND y.revision = x.revision
    WHERE (x.subject || E'\n' || left(x.body, 20000)) ILIKE ${like}
  UNION ALL SELECT y.id FROM drafts y WHERE lower(y."to") LIKE lower(${like})`;

export async function listDrafts(db: Database, filter: DraftFilter): Promise<ListedDraft[]> {
  const like = filter.q === undefined ? null : `%${filter.q.replace(/[\\%_]/g, '\\$&')}%`;
  const conditions = [
    ...(filter.authorId === undefined ? [] : [Prisma.sql`d.author_id = ${filter.authorId}::uuid`]),
    filter.status === undefined ? Prisma.sql`d.status <> 'erased'` : Prisma.sql`d.status = ${filter.status}`,
    ...(filter.campaign === undefined ? [] : [Prisma.sql`d.campaign = ${filter.campaign}`]),
    ...(like === null ? [] : [Prisma.sql`d.id IN (${search(like)})`]),
    ...(filter.after === undefined
      ? []
      : [Prisma.sql`(d.created_at, d.id) < (${filter.after.createdAt}::timestamptz, ${filter.after.id}::uuid)`]),
  ];
  const records = await db.$queryRaw<DraftRecord[]>`
    ${LISTED} WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY d.created_at DESC, d.id DESC LIMIT ${filter.limit}`;
  return records.map((record) => toListed(toView(record)));
}

export function toListed({ body: _, html: __, metadata: ___, ...listed }: DraftView): ListedDraft {
  return listed;
}

export type StateRow = Pick<
  DraftRecord,
  'generation' | 'version' | 'status' | 'revision' | 'expiresAt' | 'dueAt' | 'outcome'
>;

export function toState(record: StateRow): DraftState {
  return {
    generation: record.generation,
    version: record.version,
    status: record.status,
    revision: record.revision,
    expiresAt: record.expiresAt?.toISOString() ?? null,
    dueAt: record.dueAt?.toISOString() ?? null,
    outcome: record.outcome,
  };
}

export function toView(record: DraftRecord): DraftView {
  const time = (date: Date | null) => date?.toISOString() ?? null;
  const { deadlineHours: _, ...decision } = record.decision;
  return {
    id: record.id,
    status: record.status,
    revision: record.revision,
    author: record.author,
    to: record.to,
    replyTo: record.replyTo,
    subject: record.subject,
    body: record.body,
    html: record.html,
    attachments: record.attachments,
    campaign: record.campaign,
    confidence: record.confidence,
    metadata: record.metadata,
    decision: {
      ...decision,
      approvals: record.verdicts
        .filter((verdict) => verdict.verdict === 'approve' && !verdict.dismissed)
        .map(({ by, at, revision, comment }) => ({ by, at, revision, comment })),
    },
    createdAt: record.createdAt.toISOString(),
    updatedAt: record.updatedAt.toISOString(),
    expiresAt: time(record.expiresAt),
    sendAt: time(record.sendAt),
    dueAt: time(record.dueAt),
    sentAt: time(record.sentAt),
    messageId: record.messageId,
    outcome: record.outcome,
    failure:
      record.failureCode === null ? null : { code: record.failureCode, message: describeFailure(record.failureCode) },
    workflowId: record.needsPeople ? draftApprovalId(record.id) : null,
  };
}
