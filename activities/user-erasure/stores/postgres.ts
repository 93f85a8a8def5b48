// PostgreSQL: the person's drafts, mentions in others', and the person as a principal.
import type { MentionIndex } from '../../mention-index';
import type { Matcher } from '../../personal-data/matching/matcher';
import { type AttachmentSources, findAttachmentsThatMention } from './mentioning-attachments';
import { isHeld } from './postgres/held-person';
import { countMentions, type MentionSources, readMentions, replaceInTables } from './postgres/mentions';
import { findMigrationLogs, readMigrationLogs, replaceMigrationLogs } from './postgres/migration-logs';
import { reviseOpenMentions } from './postgres/open-mentions';
import { countOwnDrafts, eraseOwnDrafts, readOwnDrafts } from './postgres/own-drafts';
import { countPrincipals, erasePrincipals, readPrincipals } from './postgres/principals';
import { type Counts, NOTHING, type Person, type PersonalDataStore } from './store';

export interface PostgresStoreDependencies extends AttachmentSources, MentionSources {
  matcher: Matcher;
  index: Pick<MentionIndex, 'catchUp'>;
  deadlineHours: number;
}

export function createPostgresStore({
  index,
  deadlineHours,
  ...sources
}: PostgresStoreDependencies): PersonalDataStore {
  const { db } = sources;

  async function preview(person: Person, beat = () => {}): Promise<Counts> {
    await index.catchUp(beat);
    const [own, mentions, { principals, sessions }, logs, held] = await Promise.all([
      countOwnDrafts(db, person),
      countMentions(sources, person),
      countPrincipals(db, person),
      findMigrationLogs(db, person),
      isHeld(db, person),
    ]);
    const all = own.free + own.held + mentions.free + mentions.held + principals + sessions + logs.length;
    if (held) return { ...NOTHING, withhold: all, ground: all > 0 ? 'legal_hold' : null };
    const withhold = own.held + mentions.held;
    return {
      erase: own.free + sessions,
      anonymise: mentions.free + principals + logs.length,
      withhold,
      ground: withhold > 0 ? 'legal_hold' : null,
    };
  }

  return {
    name: 'postgres',
    preview: (person) => preview(person),
    async *export(person) {
      await index.catchUp(() => {});
      yield* readOwnDrafts(db, person);
      yield* readMentions(sources, person);
      yield* readPrincipals(db, person);
      yield* await readMigrationLogs(db, person);
    },
    async purge(person, beat) {
      if (await isHeld(db, person)) return preview(person, beat);
      await index.catchUp(beat);
      const mentioning = await findAttachmentsThatMention(sources, person, beat);
      await reviseOpenMentions(sources, person, mentioning, deadlineHours, beat);
      const anonymise = await replaceInTables(sources, person, beat);
      const drafts = await eraseOwnDrafts(db, person, beat);
      const { principals, sessions } = await erasePrincipals(db, person);
      const logs = await replaceMigrationLogs(db, person);
      const { withhold, ground } = await preview(person, beat);
      return { erase: drafts + sessions, anonymise: anonymise + principals + logs, withhold, ground };
    },
  };
}
