// PostgreSQL: the person's drafts, mentions in others', and the person as a principal.
import type { ObjectStore } from '../../../ops/runtime/object-store';
import type { Database } from '../../../prisma/client';
import { findAttachmentsThatMention } from './mentioning-attachments';
import { isHeld } from './postgres/held-person';
import { countMentions, readMentions, replaceInTables } from './postgres/mentions';
import { reviseOpenMentions } from './postgres/open-mentions';
import { countOwnDrafts, eraseOwnDrafts, readOwnDrafts } from './postgres/own-drafts';
import { countPrincipals, erasePrincipals, readPrincipals } from './postgres/principals';
import { type Counts, NOTHING, type Person, type PersonalDataStore } from './store';

export interface PostgresStoreDependencies {
  db: Database;
  files: ObjectStore;
  deadlineHours: number;
}

export function createPostgresStore({ db, files, deadlineHours }: PostgresStoreDependencies): PersonalDataStore {
  async function preview(person: Person): Promise<Counts> {
    const [own, mentions, { principals, sessions }, held] = await Promise.all([
      countOwnDrafts(db, person),
      countMentions(db, person),
      countPrincipals(db, person),
      isHeld(db, person),
    ]);
    const all = own.free + own.held + mentions.free + mentions.held + principals + sessions;
    if (held) return { ...NOTHING, withhold: all, ground: all > 0 ? 'legal_hold' : null };
    const withhold = own.held + mentions.held;
    return {
      erase: own.free + sessions,
      anonymise: mentions.free + principals,
      withhold,
      ground: withhold > 0 ? 'legal_hold' : null,
    };
  }

  return {
    name: 'postgres',
    preview,
    async *export(person) {
      yield* readOwnDrafts(db, person);
      yield* readMentions(db, person);
      yield* readPrincipals(db, person);
    },
    async purge(person, beat) {
      if (await isHeld(db, person)) return preview(person);
      const mentioning = await findAttachmentsThatMention(db, files, person.email, beat);
      await reviseOpenMentions(db, person, mentioning, deadlineHours, beat);
      const anonymise = await replaceInTables(db, person, beat);
      const drafts = await eraseOwnDrafts(db, person, beat);
      const { principals, sessions } = await erasePrincipals(db, person);
      const { withhold, ground } = await preview(person);
      return { erase: drafts + sessions, anonymise: anonymise + principals, withhold, ground };
    },
  };
}
