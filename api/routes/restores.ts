// Restores: ask for one, give the word to switch or give it up, see how far it is, and what comes after it.
import { listRecords, RESTORES, readLost, readRecord } from '../../ops/recovery/records';
import { abortRestore, confirmRestore, reconcileRestore } from '../../ops/recovery/restore-actions';
import { listRuns, RestoreRunning, type Run, readRun, startRestore } from '../../ops/recovery/runs';
import { restoreWorkflowId } from '../../workflows/contracts/restore';
import { reconcileWorkflowId } from '../../workflows/contracts/restore-follow-up';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';
import { type Recovery, reach, readStore } from '../recovery';
import { pageOfIds, readCursor } from '../schemas/page';
import * as schema from '../schemas/recovery';
import { uuid } from '../schemas/text';

const common = { tag: 'Restores', roles: ['ops', 'admin'] } as const;
const away = ['backups-unavailable', 'processes-unavailable'] as const;
const idPrefix = restoreWorkflowId('');

export function restoreEndpoints(
  { temporal, backups }: Pick<AppDependencies, 'temporal' | 'backups'>,
  { act, requireTools }: Recovery,
): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'post',
      path: '/api/ops/restores',
      summary: 'Restore beside the running database',
      description: 'It is checked, and then waits for `confirm`: nothing switches by itself. One at a time.',
      body: schema.NewRestore,
      answer: {
        status: 202,
        description: 'It runs, as soon as no other operation does',
        body: schema.Accepted,
        headers: { Location: 'The restore, and how far it is' },
      },
      problems: [...away, 'restore-running'],
      async handle({ body: { from = 'latest', time, before, dryRun }, response, context }) {
        const target = { from, ...(time === undefined ? {} : { time }), ...(before === undefined ? {} : { before }) };
        // A URL stays out of the trail.
        const data = { ...target, from: from.includes('://') ? 'url' : from, dryRun: dryRun ?? false };
        const id = await act(
          context,
          { type: 'restore.requested', subject: 'restore', data },
          async () => {
            await requireTools();
            return startRestore(temporal, { target, ...(dryRun ? { dryRun } : {}) }).catch(refuseSecond);
          },
          (subjectId) => ({ subjectId }),
        );
        response.setHeader('Location', `/api/ops/restores/${id}`);
        return { id, status: 'accepted' };
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/restores',
      summary: 'List the restores, newest first',
      query: schema.RecoveryQuery,
      answer: { status: 200, description: 'A page of restores', body: schema.RestoreList },
      problems: away,
      async handle({ query: { cursor, limit } }) {
        const before = readCursor(cursor, uuid());
        const [recorded, runs] = await Promise.all([
          readStore(() => listRecords(backups, RESTORES)),
          reach(() => listRuns(temporal, 'restore')),
        ]);
        const known = new Set([...recorded, ...runs.map(({ workflowId }) => workflowId.slice(idPrefix.length))]);
        const ids = [...known].sort().reverse();
        return pageOfIds(ids, { before, limit }, find);
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/restores/:id',
      summary: 'Read a restore, and how far it is',
      answer: { status: 200, description: 'The restore', body: schema.Restore },
      problems: ['not-found', ...away],
      handle: ({ params }) => read(params.id),
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/restores/:id/lost',
      summary: 'What had been acknowledged and is gone',
      answer: { status: 200, description: 'What is known of it', body: schema.Lost },
      problems: ['not-found', ...away],
      async handle({ params }) {
        const { id } = await read(params.id);
        const lost = await readStore(() => readLost(backups, id));
        if (!lost)
          throw new Problem('not-found', 'Nothing is known of what this restore has lost: it has not switched.');
        return lost;
      },
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/ops/restores/:id/confirm',
      summary: 'Switch to the restored database',
      answer: { status: 202, description: 'It is told', body: schema.Accepted },
      problems: ['not-found', 'wrong-state', ...away],
      async handle({ params, context }) {
        const { id, status } = await read(params.id);
        return tell(context, id, 'confirmed', async () => {
          if (status !== 'awaiting_confirmation')
            throw new Problem('wrong-state', `It is ${status}, and waits for no word.`);
          await confirmRestore(temporal, id, context.actor.id);
        });
      },
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/ops/restores/:id/abort',
      summary: 'Give a restore up; what runs is left as it is',
      answer: { status: 202, description: 'It is told', body: schema.Accepted },
      problems: ['not-found', 'wrong-state', ...away],
      async handle({ params, context }) {
        const { id, finishedAt, status } = await read(params.id);
        return tell(context, id, 'aborted', async () => {
          if (finishedAt !== null) throw new Problem('wrong-state', `It is ${status} already.`);
          await abortRestore(temporal, id, context.actor.id);
        });
      },
    }),
    endpoint({
      ...common,
      method: 'post',
      path: '/api/ops/restores/:id/reconcile',
      summary: 'Bring each draft back to its true state, and let mail out again',
      body: schema.NewReconciliation,
      answer: {
        status: 202,
        description: 'It runs; the restore shows how far it is',
        body: schema.Accepted,
        headers: { Location: 'The restore' },
      },
      problems: ['not-found', 'wrong-state', ...away],
      async handle({ params, body: { acceptLoss = false }, response, context }) {
        const { id, status } = await read(params.id);
        const accepted = await tell(
          context,
          id,
          'reconcile_requested',
          async () => {
            if (status !== 'done' && status !== 'unknown')
              throw new Problem('wrong-state', `The restore is ${status}, not done.`);
            await requireTools();
            await reconcileRestore(temporal, id, acceptLoss);
          },
          { acceptLoss },
        );
        response.setHeader('Location', `/api/ops/restores/${id}`);
        return accepted;
      },
    }),
  ];

  async function tell(
    context: Parameters<typeof act>[0],
    id: string,
    what: string,
    doIt: () => Promise<void>,
    data: Record<string, unknown> = {},
  ) {
    await act(context, { type: `restore.${what}`, subject: 'restore', subjectId: id, data }, doIt);
    return { id, status: 'accepted' };
  }

  async function read(id: string | undefined) {
    const found = await find(String(id).toLowerCase());
    if (!found) throw new Problem('not-found', 'There is no such restore.');
    return found;
  }

  async function find(id: string) {
    const [run, record, reconciliation] = await Promise.all([
      reach(() => readRun(temporal, restoreWorkflowId(id))),
      readStore(() => readRecord(backups, id)),
      reach(() => readRun(temporal, reconcileWorkflowId(id))),
    ]);
    return run || record
      ? { id, ...(run ? toView(run) : FORGOTTEN), record, reconciliation: reconciliation && toView(reconciliation) }
      : null;
  }
}

/** Temporal remembers for a month; the record stays. */
const FORGOTTEN = {
  status: 'unknown',
  startedAt: null,
  finishedAt: null,
  steps: [],
  beat: null,
  waitsFor: null,
  trouble: null,
  result: null,
  problem: null,
} as const;

const toView = ({ isOver: _, ...run }: Run) => run;

function refuseSecond(error: unknown): never {
  if (!(error instanceof RestoreRunning)) throw error;
  throw new Problem('restore-running', `${error.message} Confirm it or give it up first.`);
}
