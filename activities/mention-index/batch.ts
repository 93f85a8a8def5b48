// Notes the mentions of one batch of due rows, in one transaction: a process that dies in it leaves them due.
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import type { Matcher } from '../personal-data/matching/matcher';
import type { Subjects } from '../personal-data/subject';
import { TEXT_PLACES, type TextPlace } from '../personal-data/text-places';
import { addressesInFile } from './files';
import { MANY, RECIPIENTS } from './lookup';
import { type DueRow, readSizes, readTexts } from './texts';

/** One process at a time: two could note the same row, the older text last. */
const LOCK = 7_305_219n;
const ROWS = 1_000;
/** Limits one part, which is read into memory. A single row may have 2 MiB. */
const PART_BYTES = 2 * 1024 * 1024;
/** Limits what is noted of one row, so that one text can't fill the index. */
const MOST_ADDRESSES = 1_000;
/** A batch ends with the part in which this is over, since some content takes a hundred times as long as other. */
const WORKS_MS = 10_000;
/** Files may lie far away. */
const SLOW = { timeout: 5 * 60_000 };

export interface MentionIndexDependencies {
  db: Database;
  files: ObjectStore;
  subjects: Subjects;
  matcher: Matcher;
}

interface Mention extends DueRow {
  /** Where it is noted: the row's own place, or that of recipients. */
  noted: string;
  /** In hex. */
  hash: string;
}

/** @returns how many rows it has seen to; null while another process does */
export async function noteBatch(dependencies: MentionIndexDependencies): Promise<number | null> {
  const { db } = dependencies;
  if ((await firstDue(db)) === null) return 0;
  return db.$transaction(async (transaction) => {
    const tx = transaction as Database;
    const [{ isOurs }] = await tx.$queryRaw<
      [{ isOurs: boolean }]
    >`SELECT pg_try_advisory_xact_lock(${LOCK}) AS "isOurs"`;
    if (!isOurs) return null;
    const due = await tx.$queryRaw<(DueRow & { position: bigint })[]>`
      SELECT position, place, row_id AS "rowId", part FROM mentions_due ORDER BY position LIMIT ${ROWS}`;
    const rows = [...new Map(due.map((row) => [keyOf(row), row])).values()];
    const positions = new Map(due.map((row) => [keyOf(row), row.position]));
    const done = new Set<string>();
    const until = Date.now() + WORKS_MS;
    for await (const { place, rows: part } of partsOf(tx, rows)) {
      // Of no place that this build knows: it has no mentions.
      const mentions = place ? await mentionsOf(dependencies, tx, place, part) : [];
      await replace(tx, part, mentions, positions);
      for (const row of part) done.add(keyOf(row));
      if (Date.now() > until) break;
    }
    const noted = due.filter((row) => done.has(keyOf(row)));
    await tx.$executeRaw`
      DELETE FROM mentions_due WHERE position = ANY (${noted.map(({ position }) => position)}::bigint[])`;
    return noted.length;
  }, SLOW);
}

/** By the index: a scan of the table would pass all rows that were removed since the last vacuum. */
export async function firstDue(db: Pick<Database, '$queryRaw'>): Promise<bigint | null> {
  const [row] = await db.$queryRaw<{ position: bigint }[]>`SELECT position FROM mentions_due ORDER BY position LIMIT 1`;
  return row?.position ?? null;
}

const keyOf = ({ place, rowId, part }: DueRow) => `${place} ${rowId} ${part}`;

/** Yields rows of one place at a time, an attachment alone, since its file may have 10 MiB. */
async function* partsOf(tx: Database, due: DueRow[]): AsyncIterable<{ place: TextPlace | null; rows: DueRow[] }> {
  const places: TextPlace[] = TEXT_PLACES;
  const unknown = due.filter((row) => !places.some(({ table }) => table === row.place));
  if (unknown.length > 0) yield { place: null, rows: unknown };
  for (const place of places) {
    const rows = due.filter((row) => row.place === place.table);
    const most = place.table === 'attachments' ? 0 : PART_BYTES;
    if (rows.length === 0) continue;
    const sizes = new Map((await readSizes(tx, place, rows)).map((row) => [keyOf(row), row.bytes]));
    for (const part of inParts(rows, sizes, most)) yield { place, rows: part };
  }
}

function inParts(rows: DueRow[], sizes: ReadonlyMap<string, number>, most: number): DueRow[][] {
  const parts: DueRow[][] = [];
  let left = 0;
  for (const row of rows) {
    const size = sizes.get(keyOf(row)) ?? 0;
    if (parts.length === 0 || size > left || most === 0) {
      parts.push([]);
      left = most;
    }
    parts.at(-1)?.push(row);
    left -= size;
  }
  return parts;
}

async function mentionsOf(
  { matcher, subjects, files }: MentionIndexDependencies,
  tx: Database,
  place: TextPlace,
  due: DueRow[],
): Promise<Mention[]> {
  const rows = await readTexts(tx, place, due);
  const keys = [...subjects.hashingKeys];
  const values = rows.flatMap(({ texts }) => texts.map(({ kind, value }) => ({ kind, value })));
  const hashes = await matcher.hashesOf(values, keys, MOST_ADDRESSES);
  let next = 0;
  const mentions: Mention[] = [];
  for (const { texts, sha256, ...row } of rows) {
    const own = new Set<string>();
    const others = new Set<string>();
    for (const { column } of texts) {
      const into = place.table === 'drafts' && column === 'to' ? own : others;
      for (const hash of hashes[next++] ?? [MANY]) into.add(hex(hash));
    }
    if (sha256 !== null) {
      const addresses = await addressesInFile({ files, matcher }, sha256, MOST_ADDRESSES);
      const inFile = addresses && [...addresses].flatMap((one) => subjects.hashesOf(one));
      for (const hash of inFile ?? [MANY]) others.add(hex(hash));
    }
    const isTooMany = others.size > MOST_ADDRESSES * keys.length || others.has(hex(MANY));
    for (const hash of isTooMany ? [hex(MANY)] : others) mentions.push({ ...row, noted: place.table, hash });
    for (const hash of own) mentions.push({ ...row, noted: RECIPIENTS, hash });
  }
  return mentions;
}

const hex = (hash: Uint8Array) => Buffer.from(hash).toString('hex');

async function replace(
  tx: Database,
  rows: DueRow[],
  mentions: Mention[],
  positions: ReadonlyMap<string, bigint>,
): Promise<void> {
  const places = rows.flatMap(({ place, rowId, part }) =>
    (place === 'drafts' ? [place, RECIPIENTS] : [place]).map((one) => ({ place: one, row_id: rowId, part })),
  );
  await tx.$executeRaw`
    DELETE FROM mentions m USING jsonb_to_recordset(${JSON.stringify(places)}::jsonb) AS r (place text, row_id uuid, part int)
    WHERE m.place = r.place AND m.row_id = r.row_id AND m.part = r.part`;
  if (mentions.length === 0) return;
  const noted = mentions.map((one) => ({
    ...{ hash: one.hash, place: one.noted, row_id: one.rowId, part: one.part },
    position: Number(positions.get(keyOf(one))),
  }));
  await tx.$executeRaw`
    INSERT INTO mentions (hash, place, row_id, part, position)
    SELECT decode(r.hash, 'hex'), r.place, r.row_id, r.part, r.position
    FROM jsonb_to_recordset(${JSON.stringify(noted)}::jsonb) AS r (hash text, place text, row_id uuid, part int, position bigint)
    ON CONFLICT DO NOTHING`;
}
