// Ends exports and removes their objects.
//
// A row ends first, and with it the key that alone makes its object readable. Only then do objects go that no live row names. So an
// attempt that was frozen and finishes its object later leaves noise, which the attempt itself or the next sweep removes.
import type { ObjectStore } from '../../ops/runtime/object-store';
import { type Database, Prisma } from '../../prisma/client';

/** The prefix of their objects. */
export const EXPORTS = 'exports/';
/** One for each attempt, so that a late one replaces nobody's. Without folders, which would remain. */
export const exportKey = (id: string, object: string) => `${EXPORTS}${id}.${object}`;
const KEY = new RegExp(`^${EXPORTS}([0-9a-f-]{36})\\.([0-9a-f-]{36})$`);

/** Columns of a row that says nothing about a person any more. */
const FORGOTTEN = Prisma.sql`sealed = NULL, subject_hashes = '{}', version = version + 1`;

/** Of the person with these keyed hashes, whoever asked for them. An export is a copy, so no legal hold keeps it. */
export async function endExports(db: Pick<Database, '$executeRaw'>, hashes: Uint8Array[]): Promise<void> {
  await db.$executeRaw`
    UPDATE person_exports SET status = 'erased', ${FORGOTTEN}
    WHERE status IN ('pending', 'ready') AND subject_hashes && ${hashes}::bytea[]`;
}

/** One that holds somebody who is being erased. */
export async function endExport(db: Pick<Database, '$executeRaw'>, id: string): Promise<void> {
  await db.$executeRaw`
    UPDATE person_exports SET status = 'erased', ${FORGOTTEN} WHERE id = ${id}::uuid AND status IN ('pending', 'ready')`;
}

/** One that can't be completed. */
export async function failPending(db: Pick<Database, '$executeRaw'>, id: string, code: string): Promise<void> {
  await db.$executeRaw`
    UPDATE person_exports SET status = 'failed', failure_code = ${code}, ${FORGOTTEN}
    WHERE id = ${id}::uuid AND status = 'pending'`;
}

/** Ends what has expired, and removes what no live row names. @returns how many objects are removed */
export async function sweepExports(db: Database, files: ObjectStore): Promise<number> {
  await db.$executeRaw`
    UPDATE person_exports SET status = 'expired', ${FORGOTTEN} WHERE status = 'ready' AND expires_at <= clock_timestamp()`;
  return removeUnnamedExports(db, files);
}

/** In all their versions. @param id of one export; all without it */
export async function removeUnnamedExports(db: Database, files: ObjectStore, id?: string): Promise<number> {
  let removed = 0;
  let last = '';
  for await (const { key } of files.versions(id ? `${EXPORTS}${id}.` : EXPORTS)) {
    if (key === last) continue;
    last = key;
    if (await isNamed(db, key)) continue;
    await files.delete(key);
    removed += 1;
  }
  return removed;
}

/** Any of one that is being prepared may be its object in a moment. */
async function isNamed(db: Database, key: string): Promise<boolean> {
  const [, id, object] = KEY.exec(key) ?? [];
  if (id === undefined || object === undefined) return false;
  const row = await db.personExport.findUnique({ where: { id }, select: { status: true, object: true } });
  return row?.status === 'pending' || (row?.status === 'ready' && row.object === object);
}
