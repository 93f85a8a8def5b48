// Restore drills: ask for one, and what they have proven.
import { z } from 'zod';
import { DRILLS, listRecords, readDrill } from '../../ops/recovery/records';
import { readRun, startDrill } from '../../ops/recovery/runs';
import { restoreDrillWorkflowId } from '../../workflows/contracts/restore-drill';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';
import { type Recovery, reach, readStore } from '../recovery';
import { pageOfIds, readCursor } from '../schemas/page';
import * as schema from '../schemas/recovery';

const common = { tag: 'Restores', roles: ['ops', 'admin'] } as const;

export function drillEndpoints(
  { temporal, backups }: Pick<AppDependencies, 'temporal' | 'backups'>,
  { act, requireTools }: Recovery,
): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'post',
      path: '/api/ops/drills',
      summary: 'Prove now that a restore works',
      description: 'Into a database that is thrown away; nothing that runs is touched.',
      answer: {
        status: 202,
        description: 'It runs, as soon as no other operation does',
        body: schema.Accepted,
        headers: { Location: 'The drill, and how far it is' },
      },
      problems: ['backups-unavailable', 'processes-unavailable'],
      async handle({ response, context }) {
        const id = await act(
          context,
          { type: 'drill.requested', subject: 'drill' },
          async () => {
            await requireTools();
            return startDrill(temporal);
          },
          (subjectId) => ({ subjectId }),
        );
        response.setHeader('Location', `/api/ops/drills/${id}`);
        return { id, status: 'accepted' };
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/drills',
      summary: 'List the reports of drills, newest first',
      query: schema.RecoveryQuery,
      answer: { status: 200, description: 'A page of reports', body: schema.DrillReportList },
      problems: ['backups-unavailable'],
      async handle({ query: { cursor, limit } }) {
        const before = readCursor(cursor, z.string());
        const names = (await readStore(() => listRecords(backups, DRILLS))).reverse();
        const read = async (id: string) => ({ id, report: await readStore(() => readDrill(backups, id)) });
        return pageOfIds(names, { before, limit }, read);
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/ops/drills/:id',
      summary: 'Read how far a drill is',
      answer: { status: 200, description: 'The drill', body: schema.Drill },
      problems: ['not-found', 'processes-unavailable'],
      async handle({ params }) {
        const id = String(params.id).toLowerCase();
        const run = await reach(() => readRun(temporal, restoreDrillWorkflowId(id)));
        if (!run)
          throw new Problem(
            'not-found',
            'There is no such drill, or Temporal has forgotten it: its report is in the list.',
          );
        const { isOver: _, ...view } = run;
        return { id, ...view };
      },
    }),
  ];
}
