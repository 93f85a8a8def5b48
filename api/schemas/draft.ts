// Drafts as they come in and go out.
import { z } from 'zod';
import type {
  AttachmentView,
  DraftView,
  EventView,
  ListedDraft as ListedDraftView,
} from '../../activities/commands/draft-view';
import { DRAFT_STATUSES } from '../../workflows/contracts/draft-approval';
import { metadata } from './metadata';
import { listOf, pageQuery, queryText } from './page';
import { address, instant, line, text, uuid } from './text';

export const SUBJECT_LIMIT = 998;
const BODY_LIMIT = 1024 * 1024;
const MOST_ATTACHMENTS = 20;
const REMARK_LIMIT = 10_000;
export const remark = () => text(REMARK_LIMIT);
/** Where words may be left out, empty ones are none. */
export const optionalRemark = () =>
  z
    .preprocess((words) => (typeof words === 'string' && words.trim() === '' ? undefined : words), remark().optional())
    .meta({ type: 'string', minLength: 0, maxLength: REMARK_LIMIT });

const subject = line(SUBJECT_LIMIT);
const body = text(BODY_LIMIT).meta({ description: 'Plain text' });
const html = text(BODY_LIMIT).meta({ description: 'The same for readers of HTML' });
const revision = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);

export const NewDraft = z
  .strictObject({
    to: address(),
    replyTo: address().optional(),
    subject,
    body,
    html: html.optional(),
    attachments: z
      .array(uuid())
      .max(MOST_ATTACHMENTS, { error: `must be ${MOST_ATTACHMENTS} or fewer` })
      .refine((ids) => new Set(ids).size === ids.length, { error: 'must not name an attachment twice' })
      .optional(),
    campaign: line(100).optional(),
    confidence: z.number().min(0).max(1).optional(),
    sendAt: instant().optional(),
    metadata: metadata.optional(),
  })
  .meta({ id: 'NewDraft' });

export const Revision = z
  .strictObject({
    subject: subject.optional(),
    body: body.optional(),
    html: html.nullable().optional(),
    sendAt: instant().nullable().optional(),
  })
  .refine((fields) => Object.keys(fields).length > 0, { error: 'must change something' })
  .meta({ id: 'Revision', description: 'What is left out stays; null takes `html` or `sendAt` away.' });

export const Approval = z
  .strictObject({ revision, comment: optionalRemark() })
  .meta({ id: 'Approval', description: '`revision` is the one that the approver has read.' });
export const Rejection = z.strictObject({ revision: revision.optional(), reason: remark() }).meta({ id: 'Rejection' });
export const ChangeRequest = z
  .strictObject({ revision: revision.optional(), comment: remark() })
  .meta({ id: 'ChangeRequest' });
export const Withdrawal = z.strictObject({ reason: optionalRemark() }).meta({ id: 'Withdrawal' });
export const Resolution = z
  .strictObject({ as: z.enum(['sent', 'not_sent']), reason: remark() })
  .meta({ id: 'Resolution' });

export const Decisions = z
  .strictObject({
    decisions: z
      .array(
        z.strictObject({
          id: z.string().min(1).max(100),
          revision,
          decision: z.enum(['approve', 'reject', 'request_changes']),
          comment: optionalRemark(),
        }),
      )
      .min(1)
      .max(200),
  })
  .meta({ id: 'Decisions' });

export const DraftQuery = z.strictObject({
  status: queryText(z.enum(DRAFT_STATUSES)),
  campaign: queryText(line(100)),
  q: queryText(line(200).refine((q) => [...q].length >= 3, { error: 'must have 3 characters or more' })).meta({
    description: 'A part of the subject, of the recipient, or of the first 20,000 characters of the body, in any case',
  }),
  ...pageQuery,
});

const time = () => z.string().meta({ format: 'date-time' });

export const Attachment = z
  .object({ id: uuid(), name: z.string(), type: z.string(), size: z.int(), sha256: z.string() })
  .meta({ id: 'Attachment' }) satisfies z.ZodType<AttachmentView>;

export const Draft = z
  .object({
    id: uuid(),
    status: z.enum(DRAFT_STATUSES),
    revision: z.int(),
    author: z.string(),
    to: z.string().nullable(),
    replyTo: z.string().nullable(),
    subject: z.string().nullable(),
    body: z.string().nullable(),
    html: z.string().nullable(),
    attachments: z.array(Attachment),
    campaign: z.string().nullable(),
    confidence: z.number().nullable(),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    decision: z.object({
      outcome: z.enum(['auto_approve', 'require', 'reject']),
      policyVersion: z.int(),
      reasons: z.array(z.string()),
      required: z.int(),
      approvals: z.array(z.object({ by: z.string(), at: time(), revision: z.int(), comment: z.string().nullable() })),
    }),
    createdAt: time(),
    updatedAt: time(),
    expiresAt: time().nullable(),
    sendAt: time().nullable(),
    dueAt: time().nullable(),
    sentAt: time().nullable(),
    messageId: z.string().nullable(),
    outcome: z.enum(['delivered', 'refused', 'suppressed', 'unknown']).nullable(),
    failure: z.object({ code: z.string(), message: z.string() }).nullable(),
    workflowId: z.string().nullable(),
  })
  .meta({ id: 'Draft' }) satisfies z.ZodType<DraftView>;

export const ListedDraft = Draft.omit({ body: true, html: true, metadata: true }).meta({
  id: 'ListedDraft',
}) satisfies z.ZodType<ListedDraftView>;

export const DraftEvent = z
  .object({
    id: uuid(),
    type: z.string().meta({ example: 'draft.approved' }),
    at: time(),
    by: z.string().nullable(),
    revision: z.int().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'DraftEvent' }) satisfies z.ZodType<EventView>;

export const DraftList = listOf(ListedDraft).meta({ id: 'DraftList' });
export const DraftEventList = listOf(DraftEvent).meta({ id: 'DraftEventList' });
