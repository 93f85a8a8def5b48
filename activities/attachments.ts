// Attachments: their bytes are stored once under their hash, and go when nobody names them any more.
//
// A row says who uploaded a file and what it is called; the object of its hash is shared by all rows of that hash.
// An upload and the sweep meet safely, whichever comes first at each point:
// - A submit that names a row holds a key lock on it (the foreign key's); the sweep takes the row for itself first and
//   looks again under that lock, so it deletes only what nobody names, and a submit that waited for it is refused.
// - An object is deleted only under the lock of its hash and when no row has that hash. An upload commits its row,
//   then takes the same lock and looks whether the object is still there: either its row was seen, or it sees the gap
//   and puts the bytes again, which it still has.
import { uuidv7 } from 'uuidv7';
import type { ObjectStore } from '../ops/runtime/object-store';
import { type Database, Prisma } from '../prisma/client';
import { recordEvent } from './commands/audit';
import { SYSTEM } from './commands/context';
import type { ReceivedFile } from './received-file';

/** The prefix of their objects. */
export const ATTACHMENTS = 'attachments/';
export const attachmentKey = (sha256: string) => `${ATTACHMENTS}${sha256}`;

const BATCH = 100;
/** An object of 10 MiB may have to travel while the lock is held. */
const SLOW = { timeout: 60_000 };

/** Stores the bytes unless they are there, and then lets `record` write the row. */
export async function storeAttachment<T>(
  { db, files }: { db: Database; files: ObjectStore },
  file: ReceivedFile,
  record: () => Promise<T>,
): Promise<T> {
  const key = attachmentKey(file.sha256);
  const ensure = async () => {
    if (!(await files.has(key))) await files.put(key, file.read(), { type: file.type });
  };
  await ensure();
  const recorded = await record();
  await db.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock_shared(${lockOf(file.sha256)})`;
    await ensure();
  }, SLOW);
  return recorded;
}

/** Removes attachments uploaded before `olderThan` that no draft names, and objects that no attachment names. */
export async function sweepUnusedAttachments(
  db: Database,
  files: ObjectStore,
  olderThan: Date,
): Promise<{ attachments: number; objects: number }> {
  let attachments = 0;
  for (let removed = BATCH; removed === BATCH; attachments += removed) removed = await removeRows(db, olderThan);
  const objects = (await removeObjectsOfRemovedRows(db, files)) + (await removeUnnamedObjects(db, files));
  await files.tidy(olderThan);
  return { attachments, objects };
}

/** Removes the objects that no attachment names, in all their versions, those too that only old versions are left of. */
export async function removeUnnamedObjects(db: Database, files: ObjectStore, beat = () => {}): Promise<number> {
  let removed = 0;
  for await (const batch of batches(keysOf(files))) {
    removed += await removeObjects(db, files, batch);
    beat();
  }
  return removed;
}

/** Removes the objects of rows that have gone (a trigger notes each), unless another row names them. @returns how many */
export async function removeObjectsOfRemovedRows(db: Database, files: ObjectStore, beat = () => {}): Promise<number> {
  for (let removed = 0; ; ) {
    const rows = await db.removedFile.findMany({ orderBy: { position: 'asc' }, take: BATCH });
    const keys = [...new Set(rows.map(({ sha256 }) => attachmentKey(sha256)))];
    const there: string[] = [];
    for (const key of keys) if (await isThere(files, key)) there.push(key);
    removed += await removeObjects(db, files, there);
    await db.removedFile.deleteMany({ where: { position: { in: rows.map(({ position }) => position) } } });
    beat();
    if (rows.length < BATCH) return removed;
  }
}

/** Asks for all versions: S3 keeps older ones of an object that it no longer lists. */
async function isThere(files: ObjectStore, key: string): Promise<boolean> {
  for await (const version of files.versions(key)) if (version.key === key) return true;
  return false;
}

async function* keysOf(files: ObjectStore): AsyncIterable<string> {
  let last = '';
  for await (const { key } of files.versions(ATTACHMENTS)) {
    if (key !== last) yield key;
    last = key;
  }
}

function removeRows(db: Database, olderThan: Date): Promise<number> {
  const context = { actor: SYSTEM, requestId: uuidv7() };
  return db.$transaction(async (tx) => {
    const candidates = await tx.$queryRaw<{ id: string }[]>`
      SELECT id FROM attachments a
      WHERE created_at < ${olderThan} AND NOT EXISTS (SELECT FROM draft_attachments d WHERE d.attachment_id = a.id)
      ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
    if (candidates.length === 0) return 0;
    // A statement of its own sees what was committed until the locks were ours.
    const removed = await tx.$queryRaw<{ id: string }[]>`
      DELETE FROM attachments a WHERE id IN (${Prisma.join(candidates.map(({ id }) => Prisma.sql`${id}::uuid`))})
        AND NOT EXISTS (SELECT FROM draft_attachments d WHERE d.attachment_id = a.id)
      RETURNING id`;
    for (const { id } of removed) {
      await recordEvent(tx as Database, context, { type: 'attachment.removed', subject: 'attachment', subjectId: id });
    }
    return removed.length;
  });
}

async function removeObjects(db: Database, files: ObjectStore, keys: string[]): Promise<number> {
  const hashes = keys.map((key) => key.slice(ATTACHMENTS.length));
  const named = await db.attachment.findMany({ where: { sha256: { in: hashes } }, select: { sha256: true } });
  const known = new Set(named.map(({ sha256 }) => sha256));
  let removed = 0;
  for (const sha256 of hashes.filter((hash) => !known.has(hash))) {
    removed += await db.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${lockOf(sha256)})`;
      if (await tx.attachment.findFirst({ where: { sha256 }, select: { id: true } })) return 0;
      await files.delete(attachmentKey(sha256));
      return 1;
    }, SLOW);
  }
  return removed;
}

/** 64 bits of the hash itself. */
const lockOf = (sha256: string) => BigInt.asIntN(64, BigInt(`0x${sha256.slice(0, 16)}`));

async function* batches(keys: AsyncIterable<string>): AsyncIterable<string[]> {
  let batch: string[] = [];
  for await (const key of keys) {
    if (batch.push(key) === BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
