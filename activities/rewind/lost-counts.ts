// How many rows of the truth the restored database lacks, where each is a word of somebody's.
import { type Database, Prisma } from '../../prisma/client';
import { pagesOfIds } from './copy-rows';

/** Each a count. */
export interface MissingRows {
  decisions: number;
  suppressions: number;
  /** Their releases too. */
  holds: number;
  /** Policies and keys, and the ends of keys, are not brought back by a reconciliation: an admin makes them again. */
  policies: number;
  keys: number;
}

export const NOT_KNOWN: MissingRows = { decisions: 0, suppressions: 0, holds: 0, policies: 0, keys: 0 };

const PAGE = 2_000;

export async function countMissing(restored: Database, truth: Database): Promise<MissingRows> {
  const { _max } = await restored.policy.aggregate({ _max: { version: true } });
  return {
    decisions: await count(restored, truth, 'verdicts'),
    suppressions: await count(restored, truth, 'suppressions'),
    holds: await count(restored, truth, 'legal_holds', 'released_at'),
    policies: await truth.policy.count({ where: { version: { gt: _max.version ?? 0 } } }),
    keys: await count(restored, truth, 'api_keys', 'ended_at'),
  };
}

/** @param end null while it is in force */
async function count(restored: Database, truth: Database, table: string, end?: string): Promise<number> {
  const look = (db: Database, ids: string[]) => db.$queryRaw<{ id: string; ended: boolean }[]>`
    SELECT id, ${end ? Prisma.sql`${Prisma.raw(end)} IS NOT NULL` : Prisma.sql`false`} AS ended
    FROM ${Prisma.raw(table)} WHERE id = ANY (${ids}::uuid[])`;
  let missing = 0;
  for await (const ids of pagesOfIds(truth, table, PAGE)) {
    const here = new Map((await look(restored, ids)).map(({ id, ended }) => [id, ended]));
    for (const { id, ended } of await look(truth, ids)) if (!here.has(id) || (ended && !here.get(id))) missing += 1;
  }
  return missing;
}
