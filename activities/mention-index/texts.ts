// Reads the texts of rows, each with its kind.
import { type Database, Prisma } from '../../prisma/client';
import type { TextKind, TextPlace } from '../personal-data/text-places';

export interface DueRow {
  place: string;
  rowId: string;
  part: number;
}

export interface RowTexts extends DueRow {
  texts: { column: string; kind: TextKind; value: string }[];
  /** Of an attachment. */
  sha256: string | null;
}

const raw = (name: string) => Prisma.raw(`"${name}"`);

/** As text: JSON and lists as JSON. */
export const columnText = (column: string, kind: TextKind): Prisma.Sql =>
  kind === 'list' ? Prisma.sql`to_jsonb(t.${raw(column)})::text` : Prisma.sql`t.${raw(column)}::text`;

/** Of `t`, a row of this place, and `r`, a row with `row_id` and `part`. */
export const isRow = ({ id, part }: Pick<TextPlace, 'id' | 'part'>): Prisma.Sql =>
  Prisma.join(
    [...(id ? [Prisma.sql`t.${raw(id)} = r.row_id`] : []), ...(part ? [Prisma.sql`t.${raw(part)} = r.part`] : [])],
    ' AND ',
  );

/** Texts are read in parts of so many bytes, or a single row. */
const MOST_BYTES = 2 * 1024 * 1024;

interface FoundRow extends Record<string, unknown> {
  n: bigint;
  rowId: string;
  part: number;
  sha256: string | null;
}

/** Yields those that are still there, a part at a time. */
export async function* readTexts(
  db: Pick<Database, '$queryRaw'>,
  place: TextPlace,
  rows: readonly DueRow[],
): AsyncIterable<RowTexts[]> {
  const columns = Object.entries(place.columns);
  const names = columns.map(([column, kind]) => Prisma.sql`${columnText(column, kind)} AS ${raw(`=${column}`)}`);
  const lengths = columns.map(([column, kind]) => Prisma.sql`coalesce(octet_length(${columnText(column, kind)}), 0)`);
  const sha256 = place.table === 'attachments' ? Prisma.sql`t.sha256` : Prisma.sql`NULL::text`;
  for (let rest = rows; rest.length > 0; ) {
    const wanted = JSON.stringify(rest.map(({ rowId, part }) => ({ row_id: rowId, part })));
    const found = await db.$queryRaw<FoundRow[]>`
      SELECT r.n, r.row_id AS "rowId", r.part, ${sha256} AS "sha256", ${Prisma.join(names, ', ')}
      FROM (
        SELECT r.*, sum(${Prisma.join(lengths, ' + ')}) OVER (ORDER BY r.n) AS so_far, row_number() OVER (ORDER BY r.n) AS place
        FROM ROWS FROM (jsonb_to_recordset(${wanted}::jsonb) AS (row_id uuid, part int)) WITH ORDINALITY AS r (row_id, part, n)
          JOIN ${raw(place.table)} t ON ${isRow(place)}
      ) r JOIN ${raw(place.table)} t ON ${isRow(place)}
      WHERE r.so_far <= ${MOST_BYTES} OR r.place = 1 ORDER BY r.n`;
    const last = found.at(-1);
    if (!last) return;
    yield found.map((row) => ({
      place: place.table,
      rowId: row.rowId,
      part: row.part,
      sha256: row.sha256,
      texts: columns.flatMap(([column, kind]) => {
        const value = row[`=${column}`];
        return typeof value === 'string' && value !== '' ? [{ column, kind, value }] : [];
      }),
    }));
    rest = rest.slice(Number(last.n));
  }
}
