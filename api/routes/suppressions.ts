// The addresses that get no mail. An address never stands in a URL, so it is removed by id, or named in the body.
import { z } from 'zod';
import type { Suppression as SuppressionRow } from '../../activities/personal-data/suppress';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';
import { pageOf, pageQuery, readCursor, TimeCursor } from '../schemas/page';
import { NewSuppression, SuppressedAddress, Suppression, SuppressionList } from '../schemas/suppression';

const common = { tag: 'Suppressions', roles: ['admin'] } as const;
const ONE = '/api/suppressions/:id';
const WHOLE = '/api/suppressions';
const headers = { Location: 'The suppression' };

export function suppressionEndpoints({ db, commands }: Pick<AppDependencies, 'db' | 'commands'>): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'post',
      path: WHOLE,
      summary: 'Suppress an address',
      description:
        'Once this is answered no mail to it begins. An address that is suppressed already is answered as it is.',
      body: NewSuppression,
      answer: { status: 201, description: 'It is suppressed now', body: Suppression, headers },
      otherwise: { status: 200, description: 'It was suppressed already', body: Suppression, headers },
      async handle({ body, context, response }) {
        const { suppression, added } = await commands.addSuppression(context, body);
        response.status(added ? 201 : 200).location(`${WHOLE}/${suppression.id}`);
        return toView(suppression);
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: WHOLE,
      summary: 'List suppressions, newest first',
      query: z.strictObject(pageQuery),
      answer: { status: 200, description: 'A page of suppressions', body: SuppressionList },
      async handle({ query: { cursor, limit } }) {
        const [createdAt, id] = readCursor(cursor, TimeCursor) ?? [];
        const before = createdAt === undefined ? undefined : new Date(createdAt);
        const rows = await db.suppression.findMany({
          ...(before && id
            ? { where: { OR: [{ createdAt: { lt: before } }, { createdAt: before, id: { lt: id } }] } }
            : {}),
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
          take: limit + 1,
        });
        const { items, nextCursor } = pageOf(rows, limit, (last) => [last.createdAt.getTime(), last.id]);
        return { items: items.map(toView), nextCursor };
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: ONE,
      summary: 'Read a suppression',
      answer: { status: 200, description: 'The suppression', body: Suppression },
      problems: ['not-found'],
      async handle({ params }) {
        const row = await db.suppression.findUnique({ where: { id: params.id as string } });
        if (!row) throw new Problem('not-found', 'There is no such suppression.');
        return toView(row);
      },
    }),
    endpoint({
      ...common,
      method: 'delete',
      path: ONE,
      summary: 'Remove a suppression',
      description: 'That of an erased person stays.',
      answer: { status: 204, description: 'It is removed' },
      problems: ['not-found', 'erased-person'],
      handle: ({ params, context }) => commands.removeSuppression(context, { id: params.id as string }),
    }),
    endpoint({
      ...common,
      method: 'delete',
      path: WHOLE,
      summary: 'Remove all suppressions of an address',
      description: 'That of an erased person stays.',
      body: SuppressedAddress,
      answer: { status: 204, description: 'They are removed' },
      problems: ['not-found', 'erased-person'],
      handle: ({ body, context }) => commands.removeSuppression(context, body),
    }),
  ];
}

const toView = ({ id, kind, email, reason, createdAt }: Omit<SuppressionRow, 'kind'> & { kind: string }) => ({
  id,
  kind,
  email,
  reason,
  createdAt: createdAt.toISOString(),
});
