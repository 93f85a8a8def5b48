// Releases and rollbacks: what was rolled out here, and the way back.

import { documentOf } from '../../ops/recovery/follow';
import { listRuns, readRun } from '../../ops/recovery/runs';
import { recordRequest } from '../../ops/releases/reason';
import { giveUp, isHostThere, NO_HOST, startRollback } from '../../ops/releases/runs';
import { rollbackWorkflowId } from '../../workflows/contracts/rollback';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';
import { type Recovery, reach } from '../recovery';
import { pageOf, pageOfIds, readCursor } from '../schemas/page';
import { Accepted, RecoveryQuery } from '../schemas/recovery';
import * as schema from '../schemas/releases';
import { uuid } from '../schemas/text';

const common = { tag: 'Releases', roles: ['ops', 'admin'] } as const;
const idPrefix = rollbackWorkflowId('');
type Row = Awaited<ReturnType<AppDependencies['db']['release']['findMany']>>[number];

export function releaseEndpoints(
  { db, temporal }: Pick<AppDependencies, 'db' | 'temporal'>,
  { act }: Recovery,
): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/releases',
      summary: 'List the releases that were rolled out here, newest first',
      query: RecoveryQuery,
      answer: { status: 200, description: 'A page of releases', body: schema.ReleaseList },
      async handle({ query: { cursor, limit } }) {
        const [before, version] = readCursor(cursor, schema.ReleaseCursor) ?? [];
        const rows = await db.release.findMany({
          ...(before === undefined || version === undefined
            ? {}
            : {
                where: {
                  OR: [
                    { registeredAt: { lt: new Date(before) } },
                    { registeredAt: new Date(before), version: { lt: version } },
                  ],
                },
              }),
          orderBy: [{ registeredAt: 'desc' }, { version: 'desc' }],
          take: limit + 1,
        });
        const { items, nextCursor } = pageOf(rows, limit, (last) => [last.registeredAt.getTime(), last.version]);
        return { items: items.map(toRelease), nextCursor };
      },
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/ops/rollbacks',
      summary: 'Roll back to an earlier release',
      description:
        'API, workers, workflows under way and database, as one. If a step fails, every step before it is undone. The API is away for a part of it.',
      body: schema.NewRollback,
      answer: {
        status: 202,
        description: 'It runs, unless another operation does',
        body: Accepted,
        headers: { Location: 'The rollback, and how far it is' },
      },
      problems: ['releases-unavailable', 'rollback-running', 'processes-unavailable'],
      async handle({ body: { version: to, dryRun, reason }, response, context }) {
        await reach(requireHost);
        const [running] = await reach(() => listRuns(temporal, 'rollback', true));
        if (running) {
          throw new Problem('rollback-running', `${running.workflowId} is under way. Follow it, or give it up first.`);
        }
        const rollbackId = await recordRequest(db, context, { reason, to });
        const id = await reach(() =>
          startRollback(temporal, {
            rollbackId,
            yes: true,
            ...(to === undefined ? {} : { to }),
            ...(dryRun ? { dryRun } : {}),
          }),
        );
        response.setHeader('Location', `/api/ops/rollbacks/${id}`);
        return { id, status: 'accepted' };
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/rollbacks',
      summary: 'List the rollbacks of the last month, newest first',
      query: RecoveryQuery,
      answer: { status: 200, description: 'A page of rollbacks', body: schema.RollbackList },
      problems: ['processes-unavailable'],
      async handle({ query: { cursor, limit } }) {
        const before = readCursor(cursor, uuid());
        const runs = await reach(() => listRuns(temporal, 'rollback'));
        const ids = runs.map(({ workflowId }) => workflowId.slice(idPrefix.length));
        return pageOfIds(ids.sort().reverse(), { before, limit }, find);
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/rollbacks/:id',
      summary: "Get a rollback's plan and progress",
      answer: { status: 200, description: 'The rollback', body: schema.Rollback },
      problems: ['not-found', 'processes-unavailable'],
      handle: ({ params }) => read(params.id),
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/ops/rollbacks/:id/abort',
      summary: 'Give a rollback up, and undo what it has done',
      answer: { status: 202, description: 'It is told', body: Accepted },
      problems: ['not-found', 'wrong-state', 'processes-unavailable'],
      async handle({ params, context }) {
        const { id, finishedAt, status } = await read(params.id);
        await act(context, { type: 'rollback.aborted', subject: 'rollback', subjectId: id }, async () => {
          if (finishedAt !== null) throw new Problem('wrong-state', `It is ${status} already.`);
          await giveUp(temporal, rollbackWorkflowId(id), context.actor.id);
        });
        return { id, status: 'accepted' };
      },
    }),
  ];

  async function requireHost(): Promise<void> {
    if (await isHostThere(temporal)) return;
    throw new Problem('releases-unavailable', NO_HOST, { headers: { 'Retry-After': '30' } });
  }

  async function read(id: string | undefined) {
    const found = await find(String(id).toLowerCase());
    if (!found) throw new Problem('not-found', 'There is no such rollback.');
    return found;
  }

  async function find(id: string) {
    const run = await reach(() => readRun(temporal, rollbackWorkflowId(id)));
    return run && documentOf(id, run);
  }
}

const toRelease = ({ registeredAt, currentSince, state, ...release }: Row) => ({
  ...release,
  state: state as 'current',
  registeredAt: registeredAt.toISOString(),
  currentSince: currentSince?.toISOString() ?? null,
});
