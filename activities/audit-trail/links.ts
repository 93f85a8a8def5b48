// The chain as it lies in the database, read page by page.
import type { Database } from '../../prisma/client';
import type { Link } from './chain';
import { EVENT, type EventRow, toRecord } from './events';

/** Small, so that whoever reads it in the API holds up nobody else for long. */
const PAGE = 250;

type Row = Omit<EventRow, 'position'> & Omit<Link, 'position' | 'event'> & { sealed: bigint; position: bigint | null };

export async function* readLinks(
  db: Pick<Database, '$queryRaw'>,
  after: bigint,
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<Link> {
  let last = after;
  for (let left = most; left > 0; left -= PAGE) {
    const page = await readPage(db, last, Math.min(left, PAGE));
    yield* page;
    if (page.length < PAGE) return;
    last = page.at(-1)?.position ?? last;
  }
}

async function readPage(db: Pick<Database, '$queryRaw'>, after: bigint, limit: number): Promise<Link[]> {
  const rows = await db.$queryRaw<Row[]>`
    SELECT s.position AS sealed, s.event_id AS "eventId", s.prev, s.hash, ${EVENT}
    FROM (SELECT * FROM audit_seals WHERE position > ${after} ORDER BY position LIMIT ${limit}) s
    LEFT JOIN audit_events e ON e.id = s.event_id
    ORDER BY s.position`;
  return rows.map(({ sealed, eventId, prev, hash, position, ...event }) => ({
    position: sealed,
    eventId,
    prev,
    hash,
    event: position === null ? null : toRecord({ ...event, position }),
  }));
}
