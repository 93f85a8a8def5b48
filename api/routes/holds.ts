// Legal holds: placed, listed, released.
import { toView } from '../../activities/commands/legal-holds';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { pageOf, readCursor, TimeCursor } from '../schemas/page';
import * as schema from '../schemas/personal-data';

const common = { tag: 'GDPR', roles: ['admin'] } as const;

export function holdEndpoints({ db, commands }: Pick<AppDependencies, 'db' | 'commands'>): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'post',
      path: '/api/gdpr/holds',
      summary: 'Place a legal hold',
      description: 'What it holds is neither erased nor cleaned up until it ends or is released.',
      body: schema.NewHold,
      answer: { status: 201, description: 'The hold', body: schema.Hold, headers: { Location: 'The hold' } },
      problems: ['not-found', 'erased'],
      async handle({ body, context, response }) {
        const hold = await commands.placeHold(context, body);
        response.setHeader('Location', `/api/gdpr/holds/${hold.id}`);
        return hold;
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/gdpr/holds',
      summary: 'List legal holds, newest first',
      query: schema.ListQuery,
      answer: { status: 200, description: 'A page of holds', body: schema.HoldList },
      async handle({ query: { cursor, limit } }) {
        const [createdAt, id] = readCursor(cursor, TimeCursor) ?? [];
        const before = createdAt === undefined ? undefined : new Date(createdAt);
        const rows = await db.legalHold.findMany({
          ...(before && id
            ? { where: { OR: [{ createdAt: { lt: before } }, { createdAt: before, id: { lt: id } }] } }
            : {}),
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
          take: limit + 1,
        });
        const page = pageOf(rows, limit, (last) => [last.createdAt.getTime(), last.id]);
        return { ...page, items: page.items.map(toView) };
      },
    }),
    endpoint({
      ...common,
      method: 'delete',
      path: '/api/gdpr/holds/:id',
      summary: 'Release a legal hold',
      description: 'An erasure that was suspended for it goes on by itself.',
      answer: { status: 204, description: 'It is released' },
      problems: ['not-found'],
      handle: ({ params, context }) => commands.releaseHold(context, params.id as string),
    }),
  ];
}
