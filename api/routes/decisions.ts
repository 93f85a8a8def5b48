// Decisions by other ways: many at once, and by the id of the workflow.

import { z } from 'zod';
import type { CommandContext } from '../../activities/commands/context';
import { toListed } from '../../activities/commands/draft-record';
import type { DraftView } from '../../activities/commands/draft-view';
import { draftApprovalId } from '../../workflows/contracts/draft-approval';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { Problem, problemOf } from '../problems';
import * as schema from '../schemas/draft';
import { UUID } from '../schemas/text';

const AT_ONCE = 4;
const DECIDING = [
  'not-found',
  'erased',
  'four-eyes',
  'already-decided',
  'deadline-passed',
  'stale-revision',
  'too-many-changes',
] as const;

type Decision = z.output<typeof schema.Decisions>['decisions'][number];

const ItemResult = z.object({
  id: z.string(),
  status: z.int().meta({ description: 'What the decision alone would have been answered' }),
  draft: schema.ListedDraft.optional(),
  problem: z.object({ type: z.string(), title: z.string(), status: z.int(), detail: z.string() }).optional(),
});

export function decisionEndpoints({ commands, logger }: Pick<AppDependencies, 'commands' | 'logger'>): Endpoint[] {
  return [
    endpoint({
      tag: 'Drafts',
      method: 'post',
      path: '/api/drafts/decisions',
      summary: 'Decide many drafts at once',
      description: 'Each item is decided, or refused, by itself; those of one draft in their order.',
      roles: ['approver'],
      body: schema.Decisions,
      answer: {
        status: 200,
        description: 'What became of each, in their order',
        body: z.object({ items: z.array(ItemResult) }).meta({ id: 'DecisionResults' }),
      },
      async handle({ body: { decisions }, context }) {
        const turns = new Map<string, Promise<unknown>>();
        const inTurn = (decision: Decision) => {
          const draft = decision.id.toLowerCase();
          const result = Promise.resolve(turns.get(draft)).then(() => decideOne(decision, context));
          turns.set(draft, result);
          return result;
        };
        return { items: await inOrder(decisions, AT_ONCE, inTurn) };
      },
    }),
    endpoint({
      tag: 'Workflows',
      method: 'post',
      path: '/api/workflows/:workflowId/approve',
      summary: 'Approve the draft of a workflow',
      roles: ['approver'],
      body: schema.Approval,
      answer: { status: 200, description: 'The draft', body: schema.Draft },
      problems: DECIDING,
      handle: ({ params, body, context }) =>
        commands.approveDraft(context, { id: draftOf(params.workflowId), ...body }),
    }),
    endpoint({
      tag: 'Workflows',
      method: 'post',
      path: '/api/workflows/:workflowId/reject',
      summary: 'Reject the draft of a workflow',
      roles: ['approver'],
      body: schema.Rejection,
      answer: { status: 200, description: 'The draft', body: schema.Draft },
      problems: DECIDING,
      handle: ({ params, body, context }) => commands.rejectDraft(context, { id: draftOf(params.workflowId), ...body }),
    }),
  ];

  async function decideOne(decision: Decision, context: CommandContext) {
    const { id } = decision;
    try {
      return { id, status: 200, draft: toListed(await decide(decision, context)) };
    } catch (error) {
      const problem = problemOf(error);
      const { requestId } = context;
      if (problem.status >= 500)
        logger.error({ err: problem.more.cause ?? problem, requestId }, 'One of many decisions failed');
      return { id, status: problem.status, problem: problem.toJSON(requestId) };
    }
  }

  async function decide({ id, revision, decision, comment }: Decision, context: CommandContext): Promise<DraftView> {
    if (!UUID.test(id)) throw new Problem('not-found', 'There is no such draft.');
    if (decision === 'approve') return commands.approveDraft(context, { id, revision, comment });
    if (comment === undefined) {
      throw new Problem('invalid-request', 'This decision needs words.', {
        errors: [{ path: 'comment', message: 'is required' }],
      });
    }
    if (decision === 'reject') return commands.rejectDraft(context, { id, revision, reason: comment });
    return commands.requestChanges(context, { id, revision, comment });
  }
}

function draftOf(workflowId = ''): string {
  const id = workflowId.replace(/^draft-/, '');
  if (UUID.test(id) && draftApprovalId(id) === workflowId) return id;
  throw new Problem('not-found', 'No draft waits in a workflow of this id.');
}

/** A few at a time, so that one request can't take all connections. */
async function inOrder<T, R>(items: T[], atOnce: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await act(items[i] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}
