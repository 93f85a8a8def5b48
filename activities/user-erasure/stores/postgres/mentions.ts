// Finds the rows that mention a person and are not theirs, by the index of mentions, and takes the mentions out.
import { FIRST_UUID } from '../../../../ops/runtime/uuids';
import { type Database, Prisma } from '../../../../prisma/client';
import { isWrittenTo, MANY } from '../../../mention-index/lookup';
import { columnText, isRow, textBytes } from '../../../mention-index/texts';
import { IS_HELD, IS_OPEN, shutOutNewHolds } from '../../../personal-data/erase-drafts';
import type { Matcher } from '../../../personal-data/matching/matcher';
import type { TextKind } from '../../../personal-data/text-places';
import type { Person } from '../store';
import { isHeld } from './held-person';
import { TEXT_TABLES, type TextTable } from './text-tables';

export interface MentionSources {
  db: Database;
  matcher: Pick<Matcher, 'without'>;
}

export interface Search {
  /** Leaves out the rows of drafts that somebody has a duty to keep. */
  freeOnly?: boolean;
  /** Of `drafts d`: which of them. */
  drafts?: Prisma.Sql;
  beat?: () => void;
}

/** The columns that mention the person: as they stand, and what is left without them (null: nothing). */
export interface MentionRow {
  table: TextTable;
  rowId: string;
  part: number;
  /** It belongs to a draft that somebody has a duty to keep. */
  isKept: boolean;
  columns: { name: string; kind: TextKind; value: string; without: string | null }[];
}

interface PageRow {
  rowId: string;
  part: number;
  /** How many rows the index named for this page: those beyond its bytes are left for the next. */
  named: number;
  /** Null: the row is not among those that are asked for. */
  found: { texts: Record<string, string | null>; isKept: boolean } | null;
}

const BATCH = 20;
/** A page ends with the row that passes this: rows may have 2 MiB each, and several erasures and exports read at once. */
const PAGE_BYTES = 2 * 1024 * 1024;
const FIRST = { rowId: FIRST_UUID, part: -1 };

const raw = (name: string) => Prisma.raw(`"${name}"`);
const list = (parts: Prisma.Sql[]) => Prisma.join(parts, ', ');

/** Yields the rows of one table that mention the person, each once. Own drafts are not among them. */
export async function* findMentionRows(
  { db, matcher }: MentionSources,
  person: Person,
  table: TextTable,
  { freeOnly = false, drafts, beat = () => {} }: Search = {},
): AsyncIterable<MentionRow> {
  const columns = Object.entries(table.columns).filter(([name]) => name !== 'to');
  const { belongs } = table;
  const someDraft = (condition: Prisma.Sql) =>
    belongs ? Prisma.sql`EXISTS (SELECT 1 FROM drafts d WHERE ${belongs} AND ${condition})` : Prisma.sql`false`;
  const isWanted = Prisma.sql`NOT ${someDraft(isWrittenTo(person.hashes))} AND NOT (${freeOnly} AND ${someDraft(IS_HELD)})
    AND ${drafts ? someDraft(drafts) : Prisma.sql`true`}`;
  const texts = list(columns.flatMap(([name, kind]) => [Prisma.sql`${name}::text`, columnText(name, kind)]));
  const found = Prisma.sql`jsonb_build_object('texts', jsonb_build_object(${texts}), 'isKept', ${someDraft(IS_HELD)})`;
  const hashes = [...person.hashes, MANY];
  for (const [n, hash] of hashes.entries()) {
    for (let after = FIRST; ; ) {
      const page: PageRow[] = await db.$queryRaw`
        SELECT r.row_id AS "rowId", r.part, r.named, (SELECT ${found} FROM ${raw(table.table)} t WHERE ${isRow(table)} AND ${isWanted}) AS found
        FROM (
          SELECT k.row_id, k.part, (count(*) OVER ())::int AS named, sum(k.bytes) OVER (ORDER BY k.row_id, k.part) - k.bytes AS before
          FROM (
            SELECT r.row_id, r.part, coalesce((SELECT ${textBytes(table)} FROM ${raw(table.table)} t WHERE ${isRow(table)}), 0) AS bytes
            FROM mentions r
            WHERE r.hash = ${hash} AND r.place = ${table.table} AND (r.row_id, r.part) > (${after.rowId}::uuid, ${after.part}::int)
              AND NOT EXISTS (SELECT FROM mentions o WHERE o.hash = ANY (${hashes.slice(0, n)}::bytea[])
                AND o.place = r.place AND o.row_id = r.row_id AND o.part = r.part)
            ORDER BY r.row_id, r.part LIMIT ${BATCH}
          ) k
        ) r WHERE r.before < ${PAGE_BYTES} ORDER BY r.row_id, r.part`;
      yield* mentioning(matcher, person, table, columns, page);
      beat();
      const last = page.at(-1);
      if (!last || (page.length === last.named && last.named < BATCH)) break;
      after = last;
    }
  }
}

/** The index says who may mention them; the text decides. */
async function* mentioning(
  matcher: MentionSources['matcher'],
  { email }: Person,
  table: TextTable,
  columns: [string, TextKind][],
  page: readonly PageRow[],
): AsyncIterable<MentionRow> {
  const values = page.flatMap(({ rowId, part, found }) =>
    columns.flatMap(([name, kind]) => {
      const value = found?.texts[name];
      return value ? [{ rowId, part, name, kind, value }] : [];
    }),
  );
  const left = await matcher.without(
    values.map(({ kind, value }) => ({ kind, value })),
    email,
  );
  for (const { rowId, part, found } of page) {
    const changed = values.flatMap(({ name, kind, value, ...row }, i) => {
      const without = left[i];
      return row.rowId === rowId && row.part === part && without !== undefined ? [{ name, kind, value, without }] : [];
    });
    if (changed.length > 0) yield { table, rowId, part, isKept: found?.isKept ?? false, columns: changed };
  }
}

/** Yields the same of every table. Most of them do not mention the person: the index says which do, and only those are read. */
async function* findAllMentionRows(
  sources: MentionSources,
  person: Person,
  search?: Search,
): AsyncIterable<MentionRow> {
  const tables = TEXT_TABLES.map(({ table }) => table);
  const known = await sources.db.$queryRaw<{ name: string }[]>`
    SELECT p.name FROM unnest(${tables}::text[]) AS p (name) WHERE EXISTS (
      SELECT FROM mentions m WHERE m.hash = ANY (${[...person.hashes, MANY]}::bytea[]) AND m.place = p.name)`;
  const names = new Set(known.map(({ name }) => name));
  for (const table of TEXT_TABLES) if (names.has(table.table)) yield* findMentionRows(sources, person, table, search);
}

export async function countMentions(sources: MentionSources, person: Person): Promise<{ free: number; held: number }> {
  const counts = { free: 0, held: 0 };
  for await (const { isKept } of findAllMentionRows(sources, person)) counts[isKept ? 'held' : 'free']++;
  return counts;
}

export async function* readMentions(sources: MentionSources, person: Person): AsyncIterable<unknown> {
  for await (const { table, rowId, part, columns } of findAllMentionRows(sources, person)) {
    const id = [...(table.id ? [rowId] : []), ...(table.part ? [part] : [])].join('/');
    const fields = Object.fromEntries(columns.map(({ name, kind, value }) => [name, shown(kind, value)]));
    yield { kind: 'mention', in: table.table, id, fields };
  }
}

/** Each row in a transaction of its own that shuts out a new hold. What came into an open draft since those were revised
 *  (open-mentions.ts) is left for the next round. */
export async function replaceInTables(sources: MentionSources, person: Person, beat: () => void): Promise<number> {
  let replaced = 0;
  for await (const row of findAllMentionRows(sources, person, { freeOnly: true, beat })) {
    replaced += await sources.db.$transaction(async (tx) => replaceInRow(tx as Database, person, row));
    beat();
  }
  return replaced;
}

async function replaceInRow(
  tx: Database,
  person: Person,
  { table, rowId, part, columns }: MentionRow,
): Promise<number> {
  await shutOutNewHolds(tx);
  if (await isHeld(tx, person)) return 0;
  const changes = columns.map(({ name, kind, without }) => Prisma.sql`${raw(name)} = ${cast(kind, without)}`);
  // What somebody has written meanwhile is for the next round.
  const isAsRead = columns.map(({ name, kind, value }) => Prisma.sql`${columnText(name, kind)} = ${value}`);
  const { belongs, mail } = table;
  const isOpenMail = mail?.columns.some((column) => columns.some(({ name }) => name === column))
    ? Prisma.sql`${IS_OPEN} AND ${mail.isCurrent}`
    : Prisma.sql`false`;
  const isFree = belongs
    ? Prisma.sql`NOT EXISTS (SELECT 1 FROM drafts d WHERE ${belongs} AND (${IS_HELD} OR ${isOpenMail}))`
    : Prisma.sql`true`;
  const changed = await tx.$executeRaw`
    UPDATE ${raw(table.table)} t SET ${list(changes)} FROM (SELECT ${rowId}::uuid AS row_id, ${part}::int AS part) r
    WHERE ${isRow(table)} AND ${Prisma.join(isAsRead, ' AND ')} AND ${isFree}`;
  // HubSpot may have the words that were just taken out (crm-sync/changed-words.ts).
  if (changed > 0 && table.table === 'revisions')
    await tx.crmSync.updateMany({ where: { draftId: rowId }, data: { stale: true } });
  return changed;
}

const shown = (kind: TextKind, value: string): unknown =>
  kind === 'json' || kind === 'list' ? JSON.parse(value) : value;

function cast(kind: TextKind, value: string | null): Prisma.Sql {
  if (kind === 'json') return Prisma.sql`${value}::jsonb`;
  if (kind === 'list') return Prisma.sql`ARRAY(SELECT jsonb_array_elements_text(${value}::jsonb))`;
  return Prisma.sql`${value}`;
}
