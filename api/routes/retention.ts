// Retention: what would go, a run and how far it is, and the statistics that outlive it.

import { DRAFT_RETENTION } from '../../activities/draft-retention/cleanups';
import { readStatistics } from '../../activities/personal-data/statistics';
import { Prisma } from '../../prisma/client';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';
import { pageOf, readCursor, TimeCursor } from '../schemas/page';
import * as schema from '../schemas/retention';

interface CleanupRow {
  id: string;
  status: string;
  before: Date;
  drafts: number;
  held: number;
  reason: string | null;
  startedAt: Date;
  finishedAt: Date | null;
}

const common = { tag: 'GDPR', roles: ['admin'] } as const;

export function retentionEndpoints({
  db,
  commands,
  settings,
}: Pick<AppDependencies, 'db' | 'commands' | 'settings'>): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'post',
      path: '/api/gdpr/cleanup-old-drafts',
      summary: 'Erase old drafts now',
      description:
        'Drafts in a final state lose their content and addresses; their rows stay as `erased`, for the statistics. Open drafts and those under a legal hold stay. One run at a time.',
      body: schema.NewCleanup,
      answer: {
        status: 202,
        description: 'It runs',
        body: schema.Cleanup,
        headers: { Location: 'The run, and how far it is' },
      },
      otherwise: { status: 200, description: 'With `dryRun`: what would go', body: schema.CleanupPreview },
      problems: ['cleanup-running'],
      async handle({ body: { olderThanDays = settings.DRAFT_RETENTION_DAYS, dryRun }, response, context }) {
        if (dryRun) {
          response.status(200);
          return commands.previewCleanup({ olderThanDays });
        }
        const id = await commands.startCleanup(context, { olderThanDays });
        response.setHeader('Location', `/api/gdpr/cleanups/${id}`);
        return (await readCleanups(Prisma.sql`id = ${id}::uuid`, 1))[0];
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/gdpr/cleanups',
      summary: 'List the runs of retention, newest first',
      query: schema.CleanupQuery,
      answer: { status: 200, description: 'A page of runs', body: schema.CleanupList },
      async handle({ query: { cursor, limit } }) {
        const [startedAt, id] = readCursor(cursor, TimeCursor) ?? [];
        const after =
          startedAt === undefined
            ? Prisma.sql`true`
            : Prisma.sql`(started_at, id) < (${new Date(startedAt)}::timestamptz, ${id}::uuid)`;
        const runs = await readCleanups(after, limit + 1);
        return pageOf(runs, limit, (last) => [Date.parse(last.startedAt), last.id]);
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/gdpr/cleanups/:id',
      summary: 'Read a run of retention',
      answer: { status: 200, description: 'The run', body: schema.Cleanup },
      problems: ['not-found'],
      async handle({ params }) {
        const [run] = await readCleanups(Prisma.sql`id = ${params.id}::uuid`, 1);
        if (!run) throw new Problem('not-found', 'There is no such run.');
        return run;
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/gdpr/statistics',
      summary: 'Read the statistics',
      description:
        'Drafts, decisions and sends, by day, campaign and author: the same before and after content is erased.',
      answer: { status: 200, description: 'The statistics', body: schema.Statistics },
      handle: () => readStatistics(db),
    }),
  ];

  async function readCleanups(condition: Prisma.Sql, limit: number) {
    const rows = await db.$queryRaw<CleanupRow[]>`
      SELECT id, status, before, removed AS drafts, held, reason, started_at AS "startedAt", finished_at AS "finishedAt"
      FROM cleanups WHERE process = ${DRAFT_RETENTION} AND ${condition} ORDER BY started_at DESC, id DESC LIMIT ${limit}`;
    return rows.map(({ before, startedAt, finishedAt, ...row }) => ({
      ...row,
      before: before.toISOString(),
      startedAt: startedAt.toISOString(),
      finishedAt: finishedAt?.toISOString() ?? null,
    }));
  }
}
