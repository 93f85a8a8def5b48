// Says what may still hold an erased person after the certificate, and until when: backups, and databases that restores left
// behind. Reads BACKUP_URL alone: the worker that certifies may be far from the database's disk.
import type { Configuration } from '../../ops/runtime/configuration';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { SignedStore } from '../../ops/runtime/signed-store';
import { SETS } from '../backup/manifest';
import { findLeftClusters } from '../restore/left-clusters';
import { listRecords } from '../restore/records';
import { listRemovals } from '../restore/removals';

const DAY_MS = 86_400_000;
const REPOSITORY = 'pgbackrest/';
/** The next nightly full backup ends the chain of incremental ones that need the last set from before. One day to spare. */
const CHAIN_ENDS_WITHIN_MS = 2 * DAY_MS;
/** Old clusters are removed once a day; a restore that waits for its confirmation may hold that run up for another. */
const REMOVED_WITHIN_MS = 2 * DAY_MS;

export interface BackupsThatRemain {
  /** BACKUP_RETENTION_DAYS. */
  retentionDays: number;
  /** True: the newest two full sets stay whatever their age, until newer ones replace them. */
  keptByCount: boolean;
  /** The last day on which one may hold the person. Null where `keptByCount` allows no promise. */
  until: string | null;
  /** The last day provided that a full backup succeeds each night from now on. */
  expectedUntil: string;
}

export interface ClusterThatRemains {
  /** The folder's name below POSTGRES_HOME. */
  cluster: string;
  /** It is gone by then. Null while its restore still needs it: what that restore lost is neither brought back nor given up. */
  until: string | null;
}

export interface Remains {
  backupsUntil: string | null;
  backups: BackupsThatRemain;
  keptForUndo: ClusterThatRemains[];
}

/** Reads what there is; the function it returns reckons from the moment of the certificate. */
export type RemainsReader = () => Promise<(certifiedAt: Date) => Remains>;

export function createRemains(
  backups: SignedStore,
  {
    BACKUP_RETENTION_DAYS: retentionDays,
    UNDO_RETENTION_DAYS: undoDays,
  }: Pick<Configuration, 'BACKUP_RETENTION_DAYS' | 'UNDO_RETENTION_DAYS'>,
): RemainsReader {
  return async () => {
    // A repository without a set holds archived log all the same.
    const hasBackups = (await hasAny(backups, SETS)) || (await hasAny(backups, REPOSITORY));
    const { left } = findLeftClusters(await listRecords(backups), await listRemovals(backups), undoDays);
    return (certifiedAt) => {
      const after = (ms: number) => new Date(certifiedAt.getTime() + ms).toISOString();
      const until = hasBackups ? null : after(0);
      return {
        backupsUntil: until,
        backups: {
          retentionDays,
          keptByCount: hasBackups,
          until,
          expectedUntil: hasBackups ? after(CHAIN_ENDS_WITHIN_MS + retentionDays * DAY_MS) : after(0),
        },
        keptForUndo: left.map(({ name, goesAt }) => ({
          cluster: name,
          // One that is overdue goes with the next daily run.
          until: goesAt && after(Math.max(goesAt.getTime() - certifiedAt.getTime(), 0) + REMOVED_WITHIN_MS),
        })),
      };
    };
  };
}

async function hasAny(store: ObjectStore, prefix: string): Promise<boolean> {
  for await (const _ of store.list(prefix)) return true;
  return false;
}
