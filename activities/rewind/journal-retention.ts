// Removes the send journal's oldest runs, once no state that the database may go back to needs them (docs/rewind.md).
import type { SignedStore } from '../../ops/runtime/signed-store';
import { timeOfUuid } from '../../ops/runtime/uuids';
import { MAIL_LANE } from '../../workflows/contracts/lane';
import { journalKey, listArchivedRuns, readArchivedRun } from '../lane/journal';

/** Clocks differ, and a claim may be a while before what came of it is written. */
const MARGIN_MS = 24 * 3_600_000;

/**
 * Keeps the newest run that had claimed by then, a day before `reach`, and all later ones. Any database that may come back knew
 * that run already: what earlier runs had claimed is in its rows, and it names none of them as still to be archived.
 * @param reach the oldest state that the database may go back to
 * @returns how many runs were removed
 */
export async function pruneJournal(backups: SignedStore, reach: Date): Promise<number> {
  const until = reach.getTime() - MARGIN_MS;
  // The order of others is not known: they stay.
  const runs = (await listArchivedRuns(backups, MAIL_LANE)).filter((runId) => timeOfUuid(runId) !== null);
  let first = runs.length - 1;
  while (first > 0 && !(await hasClaimedBy(backups, runs[first] as string, until))) first--;
  const old = runs.slice(0, Math.max(first, 0));
  for (const runId of old) await backups.delete(journalKey(MAIL_LANE, runId));
  return old.length;
}

async function hasClaimedBy(backups: SignedStore, runId: string, until: number): Promise<boolean> {
  if ((timeOfUuid(runId) ?? Number.POSITIVE_INFINITY) > until) return false;
  const run = await readArchivedRun(backups, MAIL_LANE, runId);
  return run?.claims.some(({ at }) => Date.parse(at) <= until) ?? false;
}
