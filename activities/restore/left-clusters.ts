// Lists the clusters that restores left behind, and says when each one goes. Reads the records under BACKUP_URL alone, so a
// worker away from the database's host knows it too.
import { isInEffect, type RestoreRecord } from './records';
import type { Removal } from './removals';

const DAY_MS = 86_400_000;

export interface LeftCluster {
  /** The folder's name below POSTGRES_HOME. */
  name: string;
  /** The restore that replaced it, or prepared it and never switched to it. */
  restoreId: string;
  /** The set that this restore began with. */
  setId: string;
  leftAt: Date;
  /** Null while a restore still needs it: what that restore lost is neither brought back nor given up. */
  goesAt: Date | null;
}

export interface LeftClusters {
  /** The oldest first. */
  left: LeftCluster[];
  /** The cluster that lives, as the records say; null where there was no restore. */
  living: string | null;
  /** Restores that are not settled yet. */
  open: RestoreRecord[];
  /** The ids of all others. */
  settledIds: string[];
}

/** The throw-away cluster that a restore is compared with, where the database before it is gone. */
export const truthName = (restoreId: string) => `truth-${restoreId}`;

/** @param records the oldest first
 *  @param days for how long a cluster is kept after a restore left it */
export function findLeftClusters(
  records: readonly RestoreRecord[],
  removals: readonly Removal[],
  days: number,
): LeftClusters {
  const leavers = new Map<string, RestoreRecord>();
  let living: string | null = null;
  for (const record of records) {
    const { cluster, previous } = record;
    if (hasSwitched(record)) {
      // The database before it may be that of a machine that is gone: then the record does not name it.
      for (const name of [living, previous]) if (name !== null && name !== cluster) leavers.set(name, record);
      leavers.delete(cluster);
      living = cluster;
    } else if (cluster !== living && !leavers.has(cluster)) {
      leavers.set(cluster, record);
    }
  }
  const open = findOpen(records);
  const needed = new Set(open.flatMap(({ cluster, previous }) => [cluster, previous]));
  const left = [...leavers]
    .map(([name, { id, setId, at }]): LeftCluster => {
      const leftAt = new Date(at);
      const goesAt = needed.has(name) ? null : new Date(leftAt.getTime() + days * DAY_MS);
      return { name, restoreId: id, setId, leftAt, goesAt };
    })
    .filter(({ name, leftAt }) => !removals.some(({ cluster, at }) => cluster === name && new Date(at) >= leftAt));
  const settledIds = records.filter((record) => !open.includes(record)).map(({ id }) => id);
  return { left: [...left, ...open.filter(isComparedWithArchive).map(toTruth)], living, open, settledIds };
}

/** Its throw-away cluster goes once it is settled. */
const isComparedWithArchive = ({ state, previous, previousTimeline, target }: RestoreRecord) =>
  state === 'switched' && previous === null && previousTimeline !== null && target !== 'end';

const toTruth = ({ id, setId, at }: RestoreRecord): LeftCluster => ({
  name: truthName(id),
  restoreId: id,
  setId,
  leftAt: new Date(at),
  goesAt: null,
});

/** Those whose mail is still held, or that may still switch. One that a later restore has overtaken is history. */
function findOpen(records: readonly RestoreRecord[]): RestoreRecord[] {
  const last = records.findLastIndex(hasSwitched);
  return records.filter(({ state }, i) => (state === 'switched' && i === last) || (state === 'prepared' && i > last));
}

const hasSwitched = (record: RestoreRecord) => isInEffect(record) || record.state === 'undone';
