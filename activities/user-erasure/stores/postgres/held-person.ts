// Whether somebody has a duty to keep everything about a person.
import type { Database } from '../../../../prisma/client';
import { HOLDS_PERSON } from '../../../commands/legal-holds';
import { IS_HELD, shutOutNewHolds } from '../../../personal-data/erase-drafts';
import type { Person } from '../store';

export async function isHeld(db: Pick<Database, '$queryRaw'>, { hashes }: Person): Promise<boolean> {
  const [held] = await db.$queryRaw<{ held: boolean }[]>`SELECT EXISTS (${HOLDS_PERSON(hashes)}) AS held`;
  return held?.held ?? false;
}

/** One change of a draft, in a transaction in which no hold is answered. Null: it is held by now, or everything about the person. */
export async function changeUnlessHeld<T>(
  db: Database,
  person: Person,
  draftId: string,
  change: (tx: Database) => Promise<T>,
): Promise<T | null> {
  return db.$transaction(async (transaction) => {
    const tx = transaction as Database;
    await shutOutNewHolds(tx);
    const [held] = await tx.$queryRaw<unknown[]>`SELECT 1 FROM drafts d WHERE d.id = ${draftId}::uuid AND ${IS_HELD}`;
    return held || (await isHeld(tx, person)) ? null : change(tx);
  });
}

/** Whether a hold's end has come since the erasure first left something because of it. */
export async function hasHoldEnded(db: Pick<Database, '$queryRaw'>, erasureId: string): Promise<boolean> {
  const [row] = await db.$queryRaw<{ ended: boolean }[]>`
    SELECT EXISTS (
      SELECT 1 FROM legal_holds h
      WHERE least(h.released_at, h.until) <= clock_timestamp()
        AND least(h.released_at, h.until) >= (
          SELECT min(s.started_at) FROM erasure_steps s WHERE s.erasure_id = ${erasureId}::uuid AND s.withheld > 0)
    ) AS ended`;
  return row?.ended ?? false;
}
