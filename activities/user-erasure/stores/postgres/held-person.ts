// Whether somebody has a duty to keep everything about a person.
import type { Database } from '../../../../prisma/client';
import { HOLDS_PERSON } from '../../../commands/legal-holds';
import type { Person } from '../store';

export async function isHeld(db: Pick<Database, '$queryRaw'>, { hashes }: Person): Promise<boolean> {
  const [held] = await db.$queryRaw<{ held: boolean }[]>`SELECT EXISTS (${HOLDS_PERSON(hashes)}) AS held`;
  return held?.held ?? false;
}

/** Whether a hold's end has come since the erasure went through the stores. */
export async function hasHoldEnded(db: Pick<Database, '$queryRaw'>, erasureId: string): Promise<boolean> {
  const [row] = await db.$queryRaw<{ ended: boolean }[]>`
    SELECT EXISTS (
      SELECT 1 FROM legal_holds h
      WHERE least(h.released_at, h.until) <= clock_timestamp()
        AND least(h.released_at, h.until) >= (SELECT max(s.started_at) FROM erasure_steps s WHERE s.erasure_id = ${erasureId}::uuid)
    ) AS ended`;
  return row?.ended ?? false;
}
