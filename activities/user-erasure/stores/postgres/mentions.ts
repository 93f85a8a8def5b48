// Mentions of a person in what is not theirs: found in every column of text, replaced by `[erased]`.
import { type Database, Prisma } from '../../../../prisma/client';
import { IS_HELD, IS_OPEN, shutOutNewHolds } from '../../../personal-data/erase-drafts';
import { mentionsOf } from '../../../personal-data/mentions';
import { formsOf } from '../../../personal-data/subject';
import type { Person } from '../store';
import { isHeld } from './held-person';
import { isTo } from './own-drafts';

interface TextTable {
  table: string;
  key: string[];
  columns: string[];
  /** Those of jsonb among them. */
  json?: string[];
  /** Of a row `t` and `drafts d`: belongs to it. The draft may be held, and one of the person's own goes as a whole. */
  belongs?: Prisma.Sql;
  /** What a mail is made of: these columns, where this holds of the row. In an open draft it changes with its revision alone. */
  mail?: { columns: string[]; isCurrent: Prisma.Sql };
}

const OF_ITS_DRAFT = Prisma.sql`d.id = t.draft_id`;

/** Where a person may be mentioned. Principals have their own way. */
export const TEXT_TABLES: TextTable[] = [
  {
    table: 'revisions',
    key: ['draft_id', 'revision'],
    columns: ['subject', 'body', 'html'],
    belongs: OF_ITS_DRAFT,
    mail: { columns: ['subject', 'body', 'html'], isCurrent: Prisma.sql`t.revision = d.revision` },
  },
  { table: 'verdicts', key: ['id'], columns: ['comment'], belongs: OF_ITS_DRAFT },
  { table: 'notes', key: ['id'], columns: ['text'], belongs: OF_ITS_DRAFT },
  {
    table: 'drafts',
    key: ['id'],
    columns: ['reply_to', 'campaign', 'idempotency_key', 'metadata', 'decision'],
    json: ['metadata', 'decision'],
    belongs: Prisma.sql`d.id = t.id`,
    mail: { columns: ['reply_to'], isCurrent: Prisma.sql`true` },
  },
  {
    table: 'attachments',
    key: ['id'],
    columns: ['name', 'type'],
    belongs: Prisma.sql`EXISTS (SELECT 1 FROM draft_attachments n WHERE n.attachment_id = t.id AND n.draft_id = d.id)`,
    mail: { columns: ['name', 'type'], isCurrent: Prisma.sql`true` },
  },
  { table: 'policies', key: ['version'], columns: ['document'], json: ['document'] },
  { table: 'legal_holds', key: ['id'], columns: ['reason'] },
  { table: 'suppressions', key: ['id'], columns: ['email', 'reason'] },
  { table: 'erasures', key: ['id'], columns: ['extension_reason'] },
];

const BATCH = 500;
/** How an address is usually written in a mail, a link, a page and a document. */
const USUAL = ['@', '%40', '&#64;', '&#x40;', '&commat;', '\\u0040'];

export interface Search {
  /** Of a draft that somebody has a duty to keep. */
  held: boolean;
  /** Looks into every row for every spelling, rather than for the usual ones: minutes where there are a million rows. */
  thorough?: boolean;
  /** Of `drafts d`: which of them. */
  drafts?: Prisma.Sql;
  beat?: () => void;
}

export interface MentionRow {
  table: string;
  key: unknown[];
  /** By column, as it stands. */
  texts: Record<string, string | null>;
}

const raw = (name: string) => Prisma.raw(`"${name}"`);
const list = (parts: Prisma.Sql[]) => Prisma.join(parts, ', ');

/** Rows of one table that mention the person, in the order of their keys. Own drafts are not among them. */
export async function* findMentionRows(
  db: Pick<Database, '$queryRaw'>,
  person: Person,
  { table, key, columns, belongs }: TextTable,
  { held, thorough = false, drafts, beat = () => {} }: Search,
): AsyncIterable<MentionRow> {
  const mentions = mentionsOf(person.email);
  const patterns = usualSpellings(person.email).map((spelling) => `%${spelling.replace(/[\\%_]/g, '\\$&')}%`);
  const isUsual = Prisma.join(
    columns.map((column) => Prisma.sql`t.${raw(column)}::text ILIKE ANY (${patterns})`),
    ' OR ',
  );
  const isMention = thorough ? Prisma.sql`true` : isUsual;
  const someDraft = (condition: Prisma.Sql) =>
    belongs ? Prisma.sql`EXISTS (SELECT 1 FROM drafts d WHERE ${belongs} AND ${condition})` : Prisma.sql`false`;
  const isWanted = Prisma.sql`NOT ${someDraft(isTo(person))} AND ${someDraft(IS_HELD)} = ${held}
    AND ${drafts ? someDraft(drafts) : Prisma.sql`true`}`;
  const keys = list(key.map((name) => Prisma.sql`t.${raw(name)}`));
  let after: unknown[] | null = null;
  for (;;) {
    const rows: Record<string, unknown>[] = await db.$queryRaw`
      SELECT ${list([...key, ...columns].map((name) => Prisma.sql`t.${raw(name)}::text AS ${raw(name)}`))}
      FROM ${raw(table)} t WHERE (${isMention}) AND ${isWanted}${
        after === null
          ? Prisma.empty
          : Prisma.sql` AND (${keys}) > (${list(after.map((value, i) => typed(key[i] as string, value)))})`
      } ORDER BY ${keys} LIMIT ${BATCH}`;
    for (const row of rows) {
      after = key.map((name) => row[name]);
      const texts = Object.fromEntries(columns.map((name) => [name, row[name] as string | null]));
      if (columns.some((name) => mentions.find(texts[name] ?? '').length > 0)) yield { table, key: after, texts };
    }
    beat();
    if (rows.length < BATCH) return;
  }
}

export async function countMentions(db: Database, person: Person): Promise<{ free: number; held: number }> {
  const counts = { free: 0, held: 0 };
  for (const table of TEXT_TABLES) {
    for await (const _ of findMentionRows(db, person, table, { held: false })) counts.free++;
    for await (const _ of findMentionRows(db, person, table, { held: true })) counts.held++;
  }
  return counts;
}

export async function* readMentions(db: Database, person: Person): AsyncIterable<unknown> {
  const mentions = mentionsOf(person.email);
  for (const table of TEXT_TABLES) {
    for (const held of [false, true]) {
      for await (const { key, texts } of findMentionRows(db, person, table, { held })) {
        const mentioning = Object.entries(texts).filter(([, text]) => mentions.find(text ?? '').length > 0);
        yield { kind: 'mention', in: table.table, id: key.join('/'), fields: Object.fromEntries(mentioning) };
      }
    }
  }
}

/** Each row in a transaction of its own that shuts out a new hold. An address as a whole becomes null. What came into an
 *  open draft since those were revised (open-mentions.ts) is left for the next round. */
export async function replaceInTables(db: Database, person: Person, beat: () => void): Promise<number> {
  let replaced = 0;
  for (const table of TEXT_TABLES) {
    for await (const row of findMentionRows(db, person, table, { held: false, thorough: true, beat })) {
      replaced += await db.$transaction(async (transaction) =>
        replaceInRow(transaction as Database, person, table, row),
      );
      beat();
    }
  }
  return replaced;
}

const WHOLE_ADDRESSES = ['reply_to', 'email'];

async function replaceInRow(
  tx: Database,
  person: Person,
  table: TextTable,
  { key, texts }: MentionRow,
): Promise<number> {
  await shutOutNewHolds(tx);
  if (await isHeld(tx, person)) return 0;
  const mentions = mentionsOf(person.email);
  const mentioning = table.columns.filter((column) => mentions.find(texts[column] ?? '').length > 0);
  const changes = mentioning.map((column) => {
    const { text } = mentions.replace(texts[column] ?? '');
    const value = WHOLE_ADDRESSES.includes(column) ? null : text;
    const cast = table.json?.includes(column) ? Prisma.sql`::jsonb` : Prisma.empty;
    return Prisma.sql`${raw(column)} = ${value}${cast}`;
  });
  const isIt = Prisma.join(
    table.key.map((name, i) => Prisma.sql`t.${raw(name)} = ${typed(name, key[i])}`),
    ' AND ',
  );
  const { belongs, mail } = table;
  const isOpenMail = mail?.columns.some((column) => mentioning.includes(column))
    ? Prisma.sql`${IS_OPEN} AND ${mail.isCurrent}`
    : Prisma.sql`false`;
  const isFree = belongs
    ? Prisma.sql`NOT EXISTS (SELECT 1 FROM drafts d WHERE ${belongs} AND (${IS_HELD} OR ${isOpenMail}))`
    : Prisma.sql`true`;
  return tx.$executeRaw`UPDATE ${raw(table.table)} t SET ${list(changes)} WHERE ${isIt} AND ${isFree}`;
}

function usualSpellings(email: string): string[] {
  return formsOf(email).flatMap((form) => {
    const at = form.lastIndexOf('@');
    return USUAL.map((sign) => form.slice(0, at) + sign + form.slice(at + 1));
  });
}

const NUMBERS = ['revision', 'version'];
const typed = (name: string, value: unknown) =>
  NUMBERS.includes(name) ? Prisma.sql`${Number(value)}::int` : Prisma.sql`${String(value)}::uuid`;
