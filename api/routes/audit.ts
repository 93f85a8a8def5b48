// The audit trail: who did what, in ids and codes, newest first.
import { z } from 'zod';
import { Prisma } from '../../prisma/client';
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';
import { listOf, pageOf, pageQuery, queryText, readCursor } from '../schemas/page';
import { instant, line, uuid } from '../schemas/text';

const AuditQuery = z.strictObject({
  type: queryText(line(100)).meta({ example: 'draft.approved' }),
  actor: queryText(line(200)).meta({ description: "The principal's name" }),
  subject: queryText(line(100)).meta({ example: 'draft' }),
  subjectId: queryText(uuid()),
  requestId: queryText(uuid()),
  from: queryText(instant()),
  to: queryText(instant()).meta({ description: 'Before this time' }),
  ...pageQuery,
});

const AuditEvent = z
  .object({
    position: z.string().meta({ description: 'Rises with every event' }),
    id: z.string(),
    type: z.string(),
    at: z.iso.datetime(),
    by: z.string().nullable(),
    subject: z.string(),
    subjectId: z.string().nullable(),
    revision: z.int().nullable(),
    requestId: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEvent' });

interface Row extends Omit<z.output<typeof AuditEvent>, 'position' | 'at'> {
  position: bigint;
  at: Date;
}

export function auditEndpoints({ db }: Pick<AppDependencies, 'db'>): Endpoint[] {
  return [
    endpoint({
      tag: 'Audit',
      method: 'get',
      path: '/api/audit',
      summary: 'List what happened, newest first',
      roles: ['admin'],
      query: AuditQuery,
      answer: { status: 200, description: 'A page of events', body: listOf(AuditEvent).meta({ id: 'AuditEventList' }) },
      async handle({ query: { cursor, limit, ...filter } }) {
        const before = readCursor(cursor, z.string().regex(/^\d{1,18}$/));
        const conditions = [
          Prisma.sql`true`,
          ...(before === undefined ? [] : [Prisma.sql`e.position < ${BigInt(before)}`]),
          ...(filter.type === undefined ? [] : [Prisma.sql`e.type = ${filter.type}`]),
          ...(filter.actor === undefined ? [] : [Prisma.sql`p.name = ${filter.actor}`]),
          ...(filter.subject === undefined ? [] : [Prisma.sql`e.subject = ${filter.subject}`]),
          ...(filter.subjectId === undefined ? [] : [Prisma.sql`e.subject_id = ${filter.subjectId}::uuid`]),
          ...(filter.requestId === undefined ? [] : [Prisma.sql`e.request_id = ${filter.requestId}::uuid`]),
          ...(filter.from === undefined ? [] : [Prisma.sql`e.at >= ${new Date(filter.from)}::timestamptz`]),
          ...(filter.to === undefined ? [] : [Prisma.sql`e.at < ${new Date(filter.to)}::timestamptz`]),
        ];
        const rows = await db.$queryRaw<Row[]>`
          SELECT e.position, e.id, e.type, e.at, p.name AS by, e.subject, e.subject_id AS "subjectId", e.revision,
            e.request_id AS "requestId", e.data
          FROM audit_events e LEFT JOIN principals p ON p.id = e.actor_id
          WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY e.position DESC LIMIT ${limit + 1}`;
        const events = rows.map((row) => ({ ...row, position: String(row.position), at: row.at.toISOString() }));
        return pageOf(events, limit, ({ position }) => position);
      },
    }),
  ];
}
