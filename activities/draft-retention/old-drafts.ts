// The drafts that are old enough, counted and erased in short transactions, oldest first. How far a run is stands in its
// row and is committed with the batch: whoever goes on after a crash neither repeats nor skips.
import type { Database } from '../../prisma/client';
import { Prisma } from '../../prisma/client';
import { eraseDrafts, IS_FINAL, IS_HELD, shutOutNewHolds } from '../personal-data/erase-drafts';

const BATCH = 500;
/** A batch waits for nobody for longer. */
const LOCK_TIMEOUT = '2s';
const LIMITS = { timeout: 30_000 };

export interface OldDrafts {
  /** May go. */
  drafts: number;
  held: number;
}

export async function countOldDrafts(db: Database, before: Prisma.Sql): Promise<OldDrafts> {
  const [counts] = await db.$queryRaw<OldDrafts[]>`
    SELECT count(*) FILTER (WHERE NOT held)::int AS drafts, count(*) FILTER (WHERE held)::int AS held
    FROM (SELECT ${IS_HELD} AS held FROM drafts d WHERE ${IS_FINAL} AND d.created_at < ${before}) AS old`;
  return counts ?? { drafts: 0, held: 0 };
}

interface Batch {
  /** May be erased; locked by us. */
  ids: string[];
  /** How many were looked at, those that are held or that somebody else has locked among them. */
  seen: number;
  held: number;
  lastAt: Date | null;
  lastId: string | null;
}

/** @returns how many were looked at; fewer than a batch at the end; null where the run has ended */
export function eraseBatch(db: Database, cleanupId: string): Promise<{ seen: number; isLast: boolean } | null> {
  return db.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`;
    await shutOutNewHolds(tx);
    const [run] = await tx.$queryRaw<{ before: Date; cursorAt: Date | null; cursorId: string | null }[]>`
      SELECT before, cursor_at AS "cursorAt", cursor_id AS "cursorId"
      FROM cleanups WHERE id = ${cleanupId}::uuid AND status = 'running' FOR UPDATE`;
    if (!run) return null;
    const batch = await nextBatch(tx, run.before, run.cursorAt, run.cursorId);
    const erased = batch.ids.length > 0 ? await eraseDrafts(tx, batch.ids, 'retention') : [];
    await tx.$executeRaw`
      UPDATE cleanups SET removed = removed + ${erased.length}, held = held + ${batch.held}, updated_at = clock_timestamp(),
        cursor_at = coalesce(${batch.lastAt}::timestamptz, cursor_at), cursor_id = coalesce(${batch.lastId}::uuid, cursor_id)
      WHERE id = ${cleanupId}::uuid`;
    return { seen: batch.seen, isLast: batch.seen < BATCH };
  }, LIMITS);
}

async function nextBatch(
  tx: Pick<Database, '$queryRaw'>,
  before: Date,
  cursorAt: Date | null,
  cursorId: string | null,
): Promise<Batch> {
  const after =
    cursorAt === null
      ? Prisma.sql`true`
      : Prisma.sql`(d.created_at, d.id) > (${cursorAt}::timestamptz, ${cursorId}::uuid)`;
  const [batch] = await tx.$queryRaw<[Batch]>`
    WITH next AS MATERIALIZED (
      SELECT d.id, d.created_at, ${IS_HELD} AS held FROM drafts d
      WHERE ${IS_FINAL} AND d.created_at < ${before}::timestamptz AND ${after}
      ORDER BY d.created_at, d.id LIMIT ${BATCH}
    ), free AS MATERIALIZED (
      SELECT d.id FROM drafts d WHERE d.id = ANY (ARRAY(SELECT id FROM next WHERE NOT held)) AND ${IS_FINAL} FOR UPDATE SKIP LOCKED
    ), last AS (SELECT created_at, id FROM next ORDER BY created_at DESC, id DESC LIMIT 1)
    SELECT ARRAY(SELECT id FROM free) AS ids, (SELECT count(*)::int FROM next) AS seen,
      (SELECT count(*)::int FROM next WHERE held) AS held,
      (SELECT created_at FROM last) AS "lastAt", (SELECT id FROM last) AS "lastId"`;
  return batch;
}

/** At the end of a pass: what is held now, and whether something that may go was passed over, which needs another pass. */
export async function endPass(db: Database, cleanupId: string): Promise<'clean' | 'some_left'> {
  const before = Prisma.sql`(SELECT before FROM cleanups WHERE id = ${cleanupId}::uuid)`;
  const { drafts, held } = await countOldDrafts(db, before);
  await db.$executeRaw`
    UPDATE cleanups SET held = ${drafts > 0 ? 0 : held}, cursor_at = NULL, cursor_id = NULL, updated_at = clock_timestamp()
    WHERE id = ${cleanupId}::uuid AND status = 'running'`;
  return drafts > 0 ? 'some_left' : 'clean';
}
