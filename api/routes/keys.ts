// API keys: made, listed, ended.
import { z } from 'zod';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import type { KeyRing } from '../key-ring';
import { CreatedKey, KeyList, NewKey } from '../schemas/key';
import { pageOf, pageQuery, readCursor, TimeCursor } from '../schemas/page';

const common = { tag: 'Keys', roles: ['admin'] } as const;

export function keyEndpoints({ db, commands }: Pick<AppDependencies, 'db' | 'commands'>, ring: KeyRing): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'post',
      path: '/api/keys',
      summary: 'Make an API key',
      description: 'The key is shown this once and kept as a hash.',
      body: NewKey,
      answer: { status: 201, description: 'The key', body: CreatedKey },
      handle: ({ body, context }) => commands.createKey(context, body),
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/keys',
      summary: 'List API keys, newest first',
      query: z.strictObject(pageQuery),
      answer: { status: 200, description: 'A page of keys', body: KeyList },
      async handle({ query: { cursor, limit } }) {
        const [createdAt, id] = readCursor(cursor, TimeCursor) ?? [];
        const before = createdAt === undefined ? undefined : new Date(createdAt);
        const rows = await db.apiKey.findMany({
          ...(before && id
            ? { where: { OR: [{ createdAt: { lt: before } }, { createdAt: before, id: { lt: id } }] } }
            : {}),
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
          take: limit + 1,
          include: { principal: true },
        });
        const { items, nextCursor } = pageOf(rows, limit, (last) => [last.createdAt.getTime(), last.id]);
        return { items: items.map(toView), nextCursor };
      },
    }),
    endpoint({
      ...common,
      method: 'delete',
      path: '/api/keys/:id',
      summary: 'End an API key and its sessions',
      answer: { status: 204, description: 'It has ended' },
      problems: ['not-found'],
      async handle({ params, context }) {
        await commands.endKey(context, params.id as string);
        ring.forgetAll();
      },
    }),
  ];
}

interface KeyRow {
  id: string;
  roles: string[];
  groups: string[];
  createdAt: Date;
  endedAt: Date | null;
  principal: { name: string; email: string | null };
}

const toView = ({ id, principal, roles, groups, createdAt, endedAt }: KeyRow) => ({
  id,
  name: principal.name,
  email: principal.email,
  roles,
  groups,
  createdAt: createdAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
});
