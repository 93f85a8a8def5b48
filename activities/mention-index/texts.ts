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

/** How many bytes the words of `t` have, which PostgreSQL knows without reading them. What is JSON is small. */
export function textBytes({ columns }: Pick<TextPlace, 'columns'>): Prisma.Sql {
  const words = Object.entries(columns).flatMap(([column, kind]) =>
    kind === 'json' || kind === 'list' ? [] : [Prisma.sql`coalesce(octet_length(t.${raw(column)}), 0)`],
  );
  return Prisma.sql`(${words.length > 0 ? Prisma.join(words, ' + ') : Prisma.sql`0`})::int`;
}

/** Returns those that are still there. */
export async function readTexts(
  db: Pick<Database, '$queryRaw'>,
  place: TextPlace,
  rows: readonly DueRow[],
): Promise<RowTexts[]> {
  const columns = Object.entries(place.columns);
  const sha256 = place.table === 'attachments' ? Prisma.sql`t.sha256` : Prisma.sql`NULL`;
  const found = await db.$queryRaw<(Record<string, string | null> & { rowId: string; part: number })[]>`
    SELECT r.row_id AS "rowId", r.part, ${sha256} AS "sha256",
      ${Prisma.join(
        columns.map(([column, kind]) => Prisma.sql`${columnText(column, kind)} AS ${raw(`=${column}`)}`),
        ', ',
      )}
    FROM jsonb_to_recordset(${wantedOf(rows)}::jsonb) AS r (row_id uuid, part int) JOIN ${raw(place.table)} t ON ${isRow(place)}`;
  return found.map((row) => ({
    place: place.table,
    rowId: row.rowId,
    part: row.part,
    sha256: (row as { sha256?: string | null }).sha256 ?? null,
    texts: columns.flatMap(([column, kind]) => {
      const value = row[`=${column}`];
      return value ? [{ column, kind, value }] : [];
    }),
  }));
}

/** Returns how many bytes the words of each row have. */
export async function readSizes(
  db: Pick<Database, '$queryRaw'>,
  place: TextPlace,
  rows: readonly DueRow[],
): Promise<(DueRow & { bytes: number })[]> {
  const found = await db.$queryRaw<{ rowId: string; part: number; bytes: number }[]>`
    SELECT r.row_id AS "rowId", r.part, ${textBytes(place)} AS bytes
    FROM jsonb_to_recordset(${wantedOf(rows)}::jsonb) AS r (row_id uuid, part int) JOIN ${raw(place.table)} t ON ${isRow(place)}`;
  return found.map((row) => ({ place: place.table, ...row }));
}

const wantedOf = (rows: readonly DueRow[]) => JSON.stringify(rows.map(({ rowId, part }) => ({ row_id: rowId, part })));
