// Finds the oldest state that the database may still go back to: of a backup, or of a cluster that a restore left behind.
import type { RecoveryTools } from '../../ops/recovery/tools';
import { nullIfForeign } from '../../ops/runtime/signed-store';
import { findLeftClusters } from '../restore/left-clusters';
import { listRecords } from '../restore/records';
import { listRemovals } from '../restore/removals';
import { timeOfSet } from './retention';

/**
 * @param sets all that are kept, and those whose manifest somebody may bring back
 * @returns null where there is no backup, or a record is not ours
 */
export async function findOldestReach(
  { backups, settings }: Pick<RecoveryTools, 'backups' | 'settings'>,
  sets: readonly { id: string }[],
): Promise<Date | null> {
  if (sets.length === 0) return null;
  // A record that is not ours fails no backup.
  const records = await listRecords(backups).catch(nullIfForeign);
  if (!records) return null;
  const { left, open } = findLeftClusters(records, await listRemovals(backups), settings.UNDO_RETENTION_DAYS);
  const times = [
    ...sets.map(({ id }) => timeOfSet(id)),
    // A restore that is not settled asks the journal from the moment that it restored, which is after its set.
    ...open.map(({ setId }) => timeOfSet(setId)),
    // One that never lived is as old as its set.
    ...left.flatMap(({ leftAt, setId }) => [leftAt, timeOfSet(setId)]),
  ].map((time) => time.getTime());
  const oldest = Math.min(...times);
  return Number.isNaN(oldest) ? null : new Date(oldest);
}
