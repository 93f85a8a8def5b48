// Whatever the journal says was claimed since the restored moment may have been sent, and is not sent again by itself.
import type { Database } from '../../prisma/client';
import { MAIL_LANE } from '../../workflows/contracts/lane';
import { type JournalSources, readClaimsSince } from './journal-claims';
import type { Known } from './known';
import { readChapter, recordChapter, requireLife } from './life';
import { countMissing, parkAll, parkThese, WAS_CLAIMED, WAS_DUE } from './park';

export interface Marked {
  /** False: mails may have been claimed that nobody knows of. Then what was due is parked too. */
  complete: boolean;
  /** Just now. */
  parked: number;
  /** Claimed, and not in this database. */
  missing: number;
}

export interface MarkSent extends JournalSources {
  /** The restored database, in its new life. */
  db: Database;
}

/** Its lanes work: what it has claimed itself would be parked. */
export class LaneNotHeld extends Error {
  override name = 'LaneNotHeld';
  readonly code = 'lane_not_held';
  constructor() {
    super('The mail lane of this database is not held.');
  }
}

/**
 * Idempotent. While the old cluster still takes writes its lane goes on: so it counts once that has been stopped, before
 * anybody uses the restored one.
 */
export async function markSent({ db, ...sources }: MarkSent): Promise<Marked> {
  const life = await requireLife(db);
  await assertHeld(db);
  const reconciled = await readChapter(db, life, 'reconciled');
  // All of it has been brought back, and what it says of each mail with it.
  if (reconciled && (reconciled.data as { whole: boolean }).whole) return { complete: true, parked: 0, missing: 0 };
  const marked = await markClaims(db, sources, (reconciled?.data as unknown as Known | undefined) ?? life);
  await recordChapter(db, life, 'marked', { ...marked });
  return marked;
}

/** @param known of every claim until then the database knows what became of it */
export async function markClaims(db: Database, sources: JournalSources, known: Known): Promise<Marked> {
  const { complete, claimed, newestRun } = await readClaimsSince(sources, known);
  const ids = [...claimed.keys()];
  let parked = (await parkAll(db, WAS_CLAIMED)) + (await parkThese(db, ids));
  if (!complete) parked += await parkAll(db, WAS_DUE);
  // The next run archives it, as it does with every predecessor.
  await db.lane.update({ where: { name: MAIL_LANE }, data: { journalRun: newestRun } });
  return { complete, parked, missing: await countMissing(db, ids) };
}

export async function assertHeld(db: Database): Promise<void> {
  const { held } = await db.lane.findUniqueOrThrow({ where: { name: MAIL_LANE } });
  if (!held) throw new LaneNotHeld();
}
