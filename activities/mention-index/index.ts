// The index of mentions: which rows mention whom, as keyed hashes. An erasure looks up instead of searching, and reads only
// what mentions the person.
import { setTimeout as delay } from 'node:timers/promises';
import { firstDue, type MentionIndexDependencies, noteBatch } from './batch';
import { makeAllDue } from './keys';

export interface MentionIndex {
  /** Notes the mentions of the rows that have been due longest. @returns how many rows; null while another process does */
  noteBatch(): Promise<number | null>;
  /** Waits until everything is noted that was written before. */
  catchUp(beat: () => void): Promise<void>;
}

const ASKS_EACH_MS = 100;

export function createMentionIndex(dependencies: MentionIndexDependencies): MentionIndex {
  const { db } = dependencies;

  /** Up to this position. Rows that come later are for a later look. */
  async function lastDue(): Promise<bigint | null> {
    const [{ last }] = await db.$queryRaw<[{ last: bigint | null }]>`SELECT max(position) AS last FROM mentions_due`;
    return last;
  }
  async function isNoted(last: bigint): Promise<boolean> {
    const first = await firstDue(db);
    return first === null || first > last;
  }

  return {
    noteBatch: () => noteBatch(dependencies),
    async catchUp(beat) {
      await makeAllDue(dependencies, { forgetsOthers: false });
      const last = await lastDue();
      if (last === null) return;
      while (!(await isNoted(last))) {
        beat();
        if ((await noteBatch(dependencies)) === null) await delay(ASKS_EACH_MS);
      }
    },
  };
}
