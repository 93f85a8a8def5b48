// Makes every row due when the keys of SECRET_KEY are others than those that the mentions were hashed with, and where none were.
import { createHmac } from 'node:crypto';
import { FIRST_UUID } from '../../ops/runtime/uuids';
import { type Database, Prisma } from '../../prisma/client';
import type { Subjects } from '../personal-data/subject';
import { TEXT_PLACES, type TextPlace } from '../personal-data/text-places';

/** One at a time does it. */
const LOCK = 7_305_221n;
const SLOW = { timeout: 30 * 60_000 };

/**
 * Idempotent: where the keys are known, one statement.
 * @param forgetsOthers a key that is no longer in SECRET_KEY makes everything due too. Only a starting worker says so:
 *   during a rotation others may still have the keys of before.
 * @returns whether everything has become due
 */
export async function makeAllDue(
  { db, subjects }: { db: Database; subjects: Pick<Subjects, 'hashingKeys'> },
  { forgetsOthers }: { forgetsOthers: boolean },
): Promise<boolean> {
  const keys = subjects.hashingKeys.map(idOf);
  const isKnown = async (tx: Pick<Database, '$queryRaw'>) => {
    const known = await tx.$queryRaw<{ id: Uint8Array }[]>`SELECT id FROM mention_keys`;
    const ids = new Set(known.map(({ id }) => hex(id)));
    return keys.every((key) => ids.has(hex(key))) && (!forgetsOthers || ids.size === keys.length);
  };
  if (await isKnown(db)) return false;
  return db.$transaction(async (transaction) => {
    const tx = transaction as Database;
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK})`;
    if (await isKnown(tx)) return false;
    for (const place of TEXT_PLACES) await makeDue(tx, place);
    if (forgetsOthers) await tx.$executeRaw`DELETE FROM mention_keys WHERE id <> ALL (${keys}::bytea[])`;
    await tx.$executeRaw`
      INSERT INTO mention_keys SELECT id FROM unnest(${keys}::bytea[]) AS id ON CONFLICT DO NOTHING`;
    return true;
  }, SLOW);
}

function makeDue(tx: Pick<Database, '$executeRaw'>, { table, id, part }: TextPlace): Promise<number> {
  const [row, number] = [
    id ? Prisma.raw(`"${id}"`) : Prisma.sql`${FIRST_UUID}::uuid`,
    Prisma.raw(part ? `"${part}"` : '0'),
  ];
  return tx.$executeRaw`
    INSERT INTO mentions_due (place, row_id, part) SELECT ${table}, ${row}, ${number} FROM ${Prisma.raw(`"${table}"`)}`;
}

/** Says which key it is and nothing of it. */
const idOf = (key: Uint8Array) => Uint8Array.from(createHmac('sha256', key).update('the id of this key').digest());
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
