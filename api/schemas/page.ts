// Lists come in pages; a cursor says what the last page ended with, and means nothing to its holder.
import { z } from 'zod';
import { Problem } from '../problems';
import { LATEST } from './text';

const MOST = 200;

/** An empty value in a query counts as none. */
export const queryText = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

export const pageQuery = {
  cursor: queryText(z.string().max(500)).meta({ description: '`nextCursor` of the page before' }),
  limit: queryText(
    z
      .string()
      .regex(/^\d{1,4}$/, { error: `must be a whole number from 1 to ${MOST}` })
      .transform(Number)
      .pipe(z.int().min(1).max(MOST)),
  )
    .transform((limit) => limit ?? 50)
    .meta({ type: 'integer', minimum: 1, maximum: MOST, default: 50 }),
};

export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** In JSON. An answer is written into memory, so what clients wrote must not decide how large it is. */
const MOST_BYTES = 4 * 2 ** 20;

/** Of one row more than asked for: whether there is a next page shows in it. A page of large items ends early. */
export function pageOf<T>(rows: T[], limit: number, cursorOf: (last: T) => unknown): Page<T> {
  const items: T[] = [];
  let bytes = 0;
  for (const row of rows.slice(0, limit)) {
    bytes += Buffer.byteLength(JSON.stringify(row, withoutBigints));
    if (bytes > MOST_BYTES && items.length > 0) break;
    items.push(row);
  }
  const last = items.at(-1);
  const isMore = rows.length > items.length && last !== undefined;
  return { items, nextCursor: isMore ? Buffer.from(JSON.stringify(cursorOf(last))).toString('base64url') : null };
}

const withoutBigints = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);

/** Of ids in the list's order, the highest first. What is gone by the time it is read is left out, and ends no list. */
export async function pageOfIds<T>(
  ids: string[],
  { before, limit }: { before: string | undefined; limit: number },
  read: (id: string) => Promise<T | null>,
): Promise<Page<T>> {
  const next = ids.filter((id) => before === undefined || id < before).slice(0, limit + 1);
  const page = pageOf(next, limit, (id) => id);
  const items = await Promise.all(page.items.map(read));
  return { ...page, items: items.filter((item) => item !== null) };
}

export function readCursor<T extends z.ZodType>(cursor: string | undefined, schema: T): z.output<T> | undefined {
  if (cursor === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw new Problem('invalid-request', 'The cursor is none of ours.', {
      errors: [{ path: 'cursor', message: 'is none of ours' }],
    });
  }
}

/** What lists of things with a time and an id go on after. */
export const TimeCursor = z.tuple([z.int().min(0).max(LATEST), z.uuid()]);
