// Whether somebody has a duty to keep everything about a person.
import type { Database } from '../../../../prisma/client';
import { HOLDS_PERSON } from '../../../commands/legal-holds';
import type { Person } from '../store';

export async function isHeld(db: Pick<Database, '$queryRaw'>, { hashes }: Person): Promise<boolean> {
  const [held] = await db.$queryRaw<{ held: boolean }[]>`SELECT EXISTS (${HOLDS_PERSON(hashes)}) AS held`;
  return held?.held ?? false;
}

/** The end of the next hold that ends by itself; null where none does. */
export async function nextHoldEnd(db: Pick<Database, '$queryRaw'>): Promise<Date | null> {
  const [next] = await db.$queryRaw<{ until: Date | null }[]>`
    SELECT min(until) AS until FROM legal_holds WHERE released_at IS NULL AND until > clock_timestamp()`;
  return next?.until ?? null;
}
