// Whoever has a duty to keep a person keeps them in every store, also in one that knows of no holds.
import type { Database } from '../../../prisma/client';
import { isHeld } from './postgres/held-person';
import { type Counts, NOTHING, type PersonalDataStore } from './store';

export const keptWhileHeld = (db: Database, store: PersonalDataStore): PersonalDataStore => ({
  ...store,
  async preview(person) {
    const counts = await store.preview(person);
    return (await isHeld(db, person)) ? withheld(counts) : counts;
  },
  async purge(person, beat) {
    return (await isHeld(db, person)) ? withheld(await store.preview(person)) : store.purge(person, beat);
  },
});

function withheld({ erase, anonymise, withhold }: Counts): Counts {
  const all = erase + anonymise + withhold;
  return { ...NOTHING, withhold: all, ground: all > 0 ? 'legal_hold' : null };
}
