// Removes the idempotency keys of other people's drafts that mention the person. Two keys of one author may differ in the
// mention alone: with `[erased]` in its place they would be the same key, which PostgreSQL refuses.
import type { Database } from '../../../../prisma/client';
import { mentionsOf } from '../../../personal-data/mentions';
import type { Person } from '../store';
import { changeUnlessHeld } from './held-person';
import { findMentionRows, TEXT_TABLES } from './mentions';

const COLUMN = 'idempotency_key';

/** @returns how many drafts mention the person no more; not those that mention them elsewhere too, which are still to come */
export async function removeIdempotencyKeys(db: Database, person: Person, beat: () => void): Promise<number> {
  const drafts = TEXT_TABLES.find(({ table }) => table === 'drafts');
  if (!drafts) return 0;
  const mentions = mentionsOf(person.email);
  let cleared = 0;
  for await (const { key, texts } of findMentionRows(db, person, drafts, { held: false, thorough: true, beat })) {
    const mentioning = Object.keys(texts).filter((column) => mentions.find(texts[column] ?? '').length > 0);
    if (!mentioning.includes(COLUMN)) continue;
    const id = String(key[0]);
    const count = await changeUnlessHeld(
      db,
      person,
      id,
      (tx) => tx.$executeRaw`
      UPDATE drafts SET idempotency_key = NULL WHERE id = ${id}::uuid`,
    );
    if (mentioning.length === 1) cleared += count ?? 0;
  }
  return cleared;
}
