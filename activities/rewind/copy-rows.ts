// Rows on their way from one database to another: as PostgreSQL writes them, so that no number and no time changes.
import { FIRST_UUID } from '../../ops/runtime/uuids';
import { type Database, Prisma } from '../../prisma/client';

type Readable = Pick<Database, '$queryRaw'>;
type Writable = Pick<Database, '$executeRaw'>;

/** A JSON array of rows. */
export type Rows = string;
export const NO_ROWS: Rows = '[]';

const raw = (name: string) => Prisma.raw(`"${name}"`);

/** Of `t`. */
export const among = (ids: string[], column = 'id') => Prisma.sql`t.${raw(column)} = ANY (${ids}::uuid[])`;

/** @param which of `t` */
export async function readRows(db: Readable, table: string, which: Prisma.Sql): Promise<Rows> {
  const [read] = await db.$queryRaw<{ rows: Rows }[]>`
    SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text AS rows FROM ${raw(table)} t WHERE ${which}`;
  return read?.rows ?? NO_ROWS;
}

/** Those that are there already stay as they are. @returns how many are new */
export function insertRows(db: Writable, table: string, rows: Rows): Promise<number> {
  return db.$executeRaw`
    INSERT INTO ${raw(table)} SELECT * FROM jsonb_populate_recordset(NULL::${raw(table)}, ${rows}::jsonb) ON CONFLICT DO NOTHING`;
}

/** Pages of ids, in their order. */
export async function* pagesOfIds(db: Readable, table: string, size: number): AsyncIterable<string[]> {
  for (let after = FIRST_UUID; ; ) {
    const page = await db.$queryRaw<{ id: string }[]>`
      SELECT id FROM ${raw(table)} WHERE id > ${after}::uuid ORDER BY id LIMIT ${size}`;
    const ids = page.map(({ id }) => id);
    if (ids.length > 0) yield ids;
    const last = ids.at(-1);
    if (last === undefined || ids.length < size) return;
    after = last;
  }
}
