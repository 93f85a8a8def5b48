// Shows admins and operators the reasons that were given for pausing, resuming and resetting a service, and for rollbacks.
import { z } from 'zod';
import { RELEASES } from '../../ops/releases/reason';
import { Prisma } from '../../prisma/client';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { SERVICES } from '../lanes';
import { Problem } from '../problems';
import { listOf, pageOf, pageQuery, queryText, readCursor, TimeCursor } from '../schemas/page';
import { uuid } from '../schemas/text';

/** `releases`: the reasons of rollbacks. */
const NOTED = [...SERVICES, RELEASES] as const;

const OperatorNote = z
  .object({
    id: uuid().meta({ description: "Also the id of the act's audit event; Temporal shows it as `note`" }),
    service: z.enum(NOTED),
    act: z.string().meta({ description: 'The type of the audit event' }),
    by: z.string().nullable().meta({ description: "The operator's name" }),
    text: z.string(),
    createdAt: z.iso.datetime(),
  })
  .meta({
    id: 'OperatorNote',
    example: {
      id: '0197a000-0000-7000-8000-000000000001',
      service: 'email',
      act: 'service.paused',
      by: 'Grace Hopper',
      text: 'Planned maintenance of the mail server',
      createdAt: '2026-01-23T21:58:28.000Z',
    },
  });

type Row = Omit<z.output<typeof OperatorNote>, 'createdAt'> & { createdAt: Date };

const common = { tag: 'Services', roles: ['admin', 'ops'] } as const;

export function operatorNoteEndpoints({ db }: Pick<AppDependencies, 'db'>): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'get',
      path: '/api/circuit-breakers/notes',
      summary: 'List the reasons that operators gave, newest first',
      query: z.strictObject({ service: queryText(z.enum(NOTED)), ...pageQuery }),
      answer: {
        status: 200,
        description: 'A page of notes',
        body: listOf(OperatorNote).meta({ id: 'OperatorNoteList' }),
      },
      async handle({ query: { service, cursor, limit } }) {
        const [createdAt, id] = readCursor(cursor, TimeCursor) ?? [];
        const isNext =
          createdAt === undefined
            ? Prisma.sql`true`
            : Prisma.sql`(n.created_at, n.id) < (${new Date(createdAt)}::timestamptz, ${id}::uuid)`;
        const isOfService = service === undefined ? Prisma.sql`true` : Prisma.sql`n.service = ${service}`;
        const rows = await read(Prisma.sql`${isNext} AND ${isOfService}`, limit + 1);
        const { items, nextCursor } = pageOf(rows, limit, (last) => [last.createdAt.getTime(), last.id]);
        return { items: items.map(toView), nextCursor };
      },
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/circuit-breakers/notes/:id',
      summary: 'Get the reason that an operator gave',
      answer: { status: 200, description: 'The note', body: OperatorNote },
      problems: ['not-found'],
      async handle({ params }) {
        const [note] = await read(Prisma.sql`n.id = ${params.id}::uuid`, 1);
        if (!note)
          throw new Problem(
            'not-found',
            'No operator left a note under this id, or it was pruned with its audit event.',
          );
        return toView(note);
      },
    }),
  ];

  /** @param which of `operator_notes n` */
  function read(which: Prisma.Sql, limit: number): Promise<Row[]> {
    return db.$queryRaw`
      SELECT n.id, n.service, e.type AS act, p.name AS by, n.text, n.created_at AS "createdAt"
      FROM operator_notes n JOIN audit_events e ON e.id = n.id LEFT JOIN principals p ON p.id = e.actor_id
      WHERE ${which} ORDER BY n.created_at DESC, n.id DESC LIMIT ${limit}`;
  }
}

const toView = (row: Row) => ({ ...row, createdAt: row.createdAt.toISOString() });
