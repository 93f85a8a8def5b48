// A legal hold on a person binds every store, also one that knows nothing of holds: then all that there is is withheld.
import type { Database } from '../../../prisma/client';
import { isHeld } from './postgres/held-person';
import { type Counts, NOTHING, type PersonalDataStore } from './store';

export function keptWhileHeld(db: Database, store: PersonalDataStore): PersonalDataStore {
  return {
    ...store,
    async preview(person) {
      const counts = await store.preview(person);
      return (await isHeld(db, person)) ? withheld(counts) : counts;
    },
    async purge(person, beat) {
      return (await isHeld(db, person)) ? withheld(await store.preview(person)) : store.purge(person, beat);
    },
  };
}

function withheld({ erase, anonymise, withhold }: Counts): Counts {
  const all = erase + anonymise + withhold;
  return { ...NOTHING, withhold: all, ground: all > 0 ? 'legal_hold' : null };
}
