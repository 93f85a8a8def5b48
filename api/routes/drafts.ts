// Drafts: submitted, read, revised, decided, withdrawn, resolved.
import { z } from 'zod';
import { listDraftEvents } from '../../activities/commands/audit';
import type { Actor } from '../../activities/commands/context';
import { listDrafts, readDraftView } from '../../activities/commands/draft-record';
import type { DraftView } from '../../activities/commands/draft-view';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { readIfMatch, unlessStale } from '../if-match';
import { Problem } from '../problems';
import * as schema from '../schemas/draft';
import { pageOf, pageQuery, readCursor, TimeCursor } from '../schemas/page';

const DECIDING = [
  'not-found',
  'erased',
  'four-eyes',
  'already-decided',
  'deadline-passed',
  'stale-revision',
  'too-many-changes',
] as const;
const common = { tag: 'Drafts' } as const;
const aDraft = { status: 200, description: 'The draft', body: schema.Draft };

export function draftEndpoints({ db, commands }: Pick<AppDependencies, 'db' | 'commands'>): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'post',
      path: '/api/drafts',
      summary: 'Submit a draft',
      description:
        'Policy decides at once whether a person is needed. With an Idempotency-Key a repeat answers the same draft.',
      roles: ['author'],
      headers: z.object({ 'Idempotency-Key': z.string().min(1).max(255).optional() }),
      body: schema.NewDraft,
      answer: { status: 201, description: 'The draft', body: schema.Draft, headers: { Location: 'The draft' } },
      problems: ['idempotency-mismatch', 'erased'],
      async handle({ body, request, response, context }) {
        const idempotencyKey = readIdempotencyKey(request.headers['idempotency-key']);
        const draft = await commands.submitDraft(context, { ...body, idempotencyKey });
        response.setHeader('Location', `/api/drafts/${draft.id}`);
        return draft;
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/drafts',
      summary: 'List drafts, newest first',
      description:
        'Authors see their own, approvers all. Without body, HTML and metadata, which each draft has at its own route.',
      roles: ['author', 'approver'],
      query: schema.DraftQuery,
      answer: { status: 200, description: 'A page of drafts', body: schema.DraftList },
      async handle({ query: { cursor, limit, ...filter }, context: { actor } }) {
        const [createdAt, id] = readCursor(cursor, TimeCursor) ?? [];
        const after = createdAt !== undefined && id !== undefined ? { createdAt: new Date(createdAt), id } : undefined;
        const drafts = await listDrafts(db, { ...filter, ...ownOnly(actor), after, limit: limit + 1 });
        return pageOf(drafts, limit, (last) => [Date.parse(last.createdAt), last.id]);
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/drafts/:id',
      summary: 'Read a draft',
      roles: ['author', 'approver'],
      answer: aDraft,
      problems: ['not-found', 'erased'],
      handle: ({ params, context: { actor } }) => readDraft(params.id as string, actor),
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/drafts/:id/events',
      summary: "Read a draft's timeline, oldest first",
      roles: ['author', 'approver'],
      query: z.strictObject(pageQuery),
      answer: { status: 200, description: 'A page of events', body: schema.DraftEventList },
      problems: ['not-found', 'erased'],
      async handle({ params, query: { cursor, limit }, context: { actor } }) {
        const { id } = await readDraft(params.id as string, actor);
        const after = readCursor(cursor, z.string().regex(/^\d{1,18}$/));
        const rows = await listDraftEvents(db, id, {
          after: after === undefined ? undefined : BigInt(after),
          limit: limit + 1,
        });
        const { items, nextCursor } = pageOf(rows, limit, ({ position }) => String(position));
        return { items: items.map(({ position: _, ...event }) => event), nextCursor };
      },
    }),
    endpoint({
      ...common,
      method: 'put',
      path: '/api/drafts/:id',
      summary: 'Revise a draft',
      description: 'Makes a new revision, which needs a new decision.',
      roles: ['author', 'approver'],
      headers: z.object({
        'If-Match': z.string().meta({ description: 'The revision that you read, quoted', example: '"1"' }),
      }),
      body: schema.Revision,
      answer: aDraft,
      problems: [
        'not-found',
        'erased',
        'wrong-state',
        'deadline-passed',
        'precondition-failed',
        'precondition-required',
        'too-many-changes',
      ],
      async handle({ params, body, request, context }) {
        const revision = readIfMatch(request);
        if (revision === undefined)
          throw new Problem('precondition-required', 'Send the revision that you read: If-Match: "1".');
        return await unlessStale(() => commands.reviseDraft(context, { id: params.id as string, revision, ...body }));
      },
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/drafts/:id/approve',
      summary: 'Approve a draft',
      roles: ['approver'],
      body: schema.Approval,
      answer: aDraft,
      problems: DECIDING,
      handle: ({ params, body, context }) => commands.approveDraft(context, { id: params.id as string, ...body }),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/drafts/:id/reject',
      summary: 'Reject a draft',
      roles: ['approver'],
      body: schema.Rejection,
      answer: aDraft,
      problems: DECIDING,
      handle: ({ params, body, context }) => commands.rejectDraft(context, { id: params.id as string, ...body }),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/drafts/:id/request-changes',
      summary: 'Ask for changes',
      roles: ['approver'],
      body: schema.ChangeRequest,
      answer: aDraft,
      problems: DECIDING,
      handle: ({ params, body, context }) => commands.requestChanges(context, { id: params.id as string, ...body }),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/drafts/:id/withdraw',
      summary: 'Withdraw a draft, or undo its approval',
      description: 'Until the send begins.',
      roles: ['author', 'approver'],
      body: schema.Withdrawal,
      answer: aDraft,
      problems: ['not-found', 'erased', 'send-begun', 'wrong-state', 'too-many-changes'],
      handle: ({ params, body, context }) => commands.withdrawDraft(context, { id: params.id as string, ...body }),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/drafts/:id/resolve',
      summary: 'Say what became of a parked draft',
      description: '`sent` closes it; `not_sent` makes it due again, so it may arrive twice.',
      roles: ['approver', 'admin'],
      body: schema.Resolution,
      answer: aDraft,
      problems: ['not-found', 'erased', 'not-parked', 'too-many-changes'],
      handle: ({ params, body, context }) => commands.resolveDraft(context, { id: params.id as string, ...body }),
    }),
  ];

  async function readDraft(id: string, actor: Actor): Promise<DraftView> {
    const found = await readDraftView(db, id);
    // Names of principals are unique.
    const isHidden = found?.author !== actor.name && !actor.roles.includes('approver');
    if (!found || isHidden) throw new Problem('not-found', 'There is no such draft.');
    if (found.status === 'erased') throw new Problem('erased', 'This draft has been erased.');
    return found;
  }
}

/** Somebody else's draft is not there for who may only write. */
const ownOnly = (actor: Actor) => (actor.roles.includes('approver') ? {} : { authorId: actor.id });

function readIdempotencyKey(given: string | string[] | undefined): string | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'string' && given !== '' && given.length <= 255) return given;
  throw new Problem('invalid-request', 'The idempotency key is not as it must be.', {
    errors: [{ path: 'Idempotency-Key', message: 'must have 1 to 255 characters' }],
  });
}
