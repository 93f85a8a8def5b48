// Finds and replaces mentions of a person in the groups of API keys. A group names no person since `POST /api/keys` takes
// codes only, but older keys may hold anything, and a code may be an address in base64.
import type { Database } from '../../../../prisma/client';
import { shutOutNewHolds } from '../../../personal-data/erase-drafts';
import type { Mentions } from '../../../personal-data/mentions';
import type { Person } from '../store';
import { isHeld } from './held-person';

export interface KeyGroups {
  /** The id of the key. */
  id: string;
  groups: string[];
}

/** Returns the keys of which a group mentions the person. Keys are few, so all of them are read. */
export async function findKeyGroups(db: Database, mentions: Mentions): Promise<KeyGroups[]> {
  const keys = await db.apiKey.findMany({
    where: { groups: { isEmpty: false } },
    select: { id: true, groups: true },
    orderBy: { id: 'asc' },
  });
  return keys.filter(({ groups }) => groups.some((group) => mentions.find(group).length > 0));
}

/** Returns the same for the person's export, one item for each key. */
export async function readKeyGroups(db: Database, mentions: Mentions): Promise<unknown[]> {
  const found = await findKeyGroups(db, mentions);
  return found.map(({ id, groups }) => ({ kind: 'mention', in: 'api_keys', id, fields: { groups } }));
}

/** Replaces each mention inside its group. Groups that become the same are kept once. @returns how many keys changed */
export async function replaceKeyGroups(db: Database, person: Person, mentions: Mentions): Promise<number> {
  let replaced = 0;
  for (const { id, groups } of await findKeyGroups(db, mentions)) {
    const without = [...new Set(groups.map((group) => mentions.replace(group).text))];
    replaced += await db.$transaction(async (transaction) => {
      const tx = transaction as Database;
      await shutOutNewHolds(tx);
      if (await isHeld(tx, person)) return 0;
      await tx.apiKey.update({ where: { id }, data: { groups: without } });
      return 1;
    });
  }
  return replaced;
}
