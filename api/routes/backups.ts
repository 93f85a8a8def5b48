// Backups: ask for one, list those that there are, and see how far one is.
import { listSets, SetId } from '../../activities/backup/manifest';
import {
  type ListedRun,
  listRuns,
  type Run,
  readBackupRun,
  readRun,
  setIdOf,
  startBackup,
} from '../../ops/recovery/runs';
import { type BackupSet, type BrokenSet, readSet } from '../../ops/recovery/sets';
import { BACKUP_PARTS } from '../../workflows/contracts/backup';
import type { Archiving } from '../archiving';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';
import { type Recovery, reach, readStore } from '../recovery';
import { pageOfIds, readCursor } from '../schemas/page';
import * as schema from '../schemas/recovery';

const common = { tag: 'Backups', roles: ['ops', 'admin'] } as const;

export function backupEndpoints(
  { temporal, backups }: Pick<AppDependencies, 'temporal' | 'backups'>,
  { act, requireTools }: Recovery,
  archiving: () => Promise<Archiving>,
): Endpoint[] {
  const findSet = (id: string) => readStore(() => readSet(backups, backups.signer, id));

  return [
    endpoint({
      ...common,
      method: 'post',
      path: '/api/ops/backups',
      summary: 'Make a backup now',
      body: schema.NewBackup,
      answer: {
        status: 202,
        description: 'It runs, as soon as no other operation does',
        body: schema.Accepted,
        headers: { Location: 'The backup, and how far it is' },
      },
      problems: ['backups-unavailable', 'processes-unavailable'],
      async handle({ body: { kind = 'full', parts = [...BACKUP_PARTS] }, response, context }) {
        const data = { kind, parts };
        const id = await act(
          context,
          { type: 'backup.requested', subject: 'backup', data },
          async () => {
            await requireTools();
            return startBackup(temporal, { kind, parts });
          },
          (setId) => ({ data: { ...data, setId } }),
        );
        response.setHeader('Location', `/api/ops/backups/${id}`);
        return { id, status: 'accepted' };
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/backups',
      summary: 'List the backups, newest first, with those that run',
      query: schema.RecoveryQuery,
      answer: { status: 200, description: 'A page of backups', body: schema.BackupList },
      problems: ['backups-unavailable', 'processes-unavailable'],
      async handle({ query: { cursor, limit } }) {
        const before = readCursor(cursor, SetId);
        await requireTools();
        const [sets, runs, state] = await Promise.all([
          readStore(() => listSets(backups)),
          reach(() => listRuns(temporal, 'backup', true)),
          archiving(),
        ]);
        const running = new Map(runs.map((run) => [setIdOf(run), run]));
        const ids = [...new Set([...sets, ...running.keys()])].sort().reverse();
        const page = await pageOfIds(ids, { before, limit }, (id) => listed(id, running.get(id)));
        return { ...page, archiving: state };
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/backups/:setId',
      summary: 'Read a backup, and how far it is',
      answer: { status: 200, description: 'The backup', body: schema.BackupDetails },
      problems: ['not-found', 'backups-unavailable', 'processes-unavailable'],
      async handle({ params }) {
        const id = SetId.safeParse(params.setId).data;
        if (id === undefined) throw new Problem('not-found', 'There is no such backup.');
        const set = await findSet(id);
        const asked = reach(() => readBackupRun(temporal, id));
        // What its manifest tells holds without Temporal.
        const run = await (set ? asked.catch(() => null) : asked);
        if (!run && !set) throw new Problem('not-found', 'There is no such backup.');
        const { steps = [], beat = null, waitsFor = null, trouble = null, result = null, problem = null } = run ?? {};
        return { ...toItem(id, set, run), steps, beat, waitsFor, trouble, result, problem };
      },
    }),
  ];

  async function listed(id: string, running: ListedRun | undefined) {
    const run = running ? await reach(() => readRun(temporal, running.workflowId)) : null;
    const set = await findSet(id);
    return run || set ? toItem(id, set, run) : null;
  }
}

/** A set that can't be used. */
const stateOf = (set: BackupSet | BrokenSet) =>
  'broken' in set && set.broken === 'unknown_key' ? set.broken : 'broken';

function toItem(id: string, set: BackupSet | BrokenSet | null, run: Run | null) {
  // The set is there before its run has come to its end, and to its result.
  const goesOn = run && !run.isOver && run.status !== 'unknown';
  if (set && !('broken' in set)) return { ...set, status: goesOn ? run.status : 'done' };
  const { status, startedAt, finishedAt } = run ?? { status: 'broken', startedAt: null, finishedAt: null };
  return {
    id,
    kind: null,
    parts: null,
    startedAt,
    finishedAt,
    size: null,
    stored: null,
    status: set ? stateOf(set) : status,
  };
}
