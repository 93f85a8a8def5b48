// Removes the clusters that restores left behind, once UNDO_RETENTION_DAYS are over. A kill at any point is resumed by the next
// attempt: a cluster is first renamed aside, so that no undo finds half of one.
import { existsSync } from 'node:fs';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { endBeside, wasLeftBeside } from '../ops/local/beside';
import { livingName } from '../ops/local/clusters';
import { findPostmaster } from '../ops/local/postmaster';
import type { RecoveryTools } from '../ops/recovery/tools';
import type { Logger } from '../ops/runtime/logging';
import type { Database } from '../prisma/client';
import { beating } from './beating';
import { recordEvent } from './commands/audit';
import { SYSTEM } from './commands/context';
import { readAdoption } from './continuity/adoption-records';
import { findLeftClusters } from './restore/left-clusters';
import { listRecords } from './restore/records';
import { ASIDE, chooseRemovable, type Removable, toRemovable } from './restore/removable';
import { listRemovals, writeRemoval } from './restore/removals';
import { removeLeftThrowAways } from './restore/throw-away';

const REMOVED = 'restore.cluster_removed';

export interface ClusterRetentionDependencies {
  /** The database that lives. */
  db: Database;
  logger: Logger;
}

export function createClusterRetentionActivities(tools: RecoveryTools, { db, logger }: ClusterRetentionDependencies) {
  const { host, backups, settings } = tools;

  /** Deletes what was renamed aside. The empty folder goes last: as long as it is there, the next attempt goes on here. */
  async function finish({ name, restoreId }: Removable, beat: () => void): Promise<void> {
    const aside = join(host.home, ASIDE + name);
    for (const entry of await readdir(aside)) {
      await rm(join(aside, entry), { recursive: true, force: true });
      beat();
    }
    await recordOnce(name, restoreId);
    await rmdir(aside);
    await writeRemoval(backups, name);
    logger.info({ cluster: name, restoreId }, 'Old cluster removed');
  }

  async function recordOnce(cluster: string, restoreId: string | null): Promise<void> {
    const entry = { type: REMOVED, subject: 'restore', subjectId: restoreId ?? undefined };
    const same = { ...entry, subjectId: restoreId, data: { path: ['cluster'], equals: cluster } };
    if ((await db.auditEvent.count({ where: same })) > 0) return;
    await recordEvent(db, { actor: SYSTEM, requestId: uuidv7() }, { ...entry, data: { cluster } });
  }

  /** Somebody may work on it by hand: only our own leftovers are ended. */
  async function isBusy(data: string): Promise<boolean> {
    if (wasLeftBeside(data)) await endBeside(data);
    return findPostmaster(data) !== null;
  }

  return {
    /** Idempotent. Throws, and removes nothing, while the database or the records can't be read. @returns the folders' names */
    removeLeftClusters: (): Promise<string[]> =>
      beating(async (beat) => {
        await removeLeftThrowAways(host.home);
        const { restoreId } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
        const records = await listRecords(backups);
        const isRecorded = restoreId === null || records.some(({ id }) => id === restoreId);
        if (!isRecorded && !(await readAdoption(backups, restoreId))) {
          logger.warn(
            { restoreId },
            'Old clusters are kept: the record of the restore that made this database is missing',
          );
          return [];
        }
        const found = findLeftClusters(records, await listRemovals(backups), settings.UNDO_RETENTION_DAYS);
        const folders = await readdir(host.home, { withFileTypes: true });
        const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
        const removed: string[] = [];

        for (const aside of names.filter((name) => name.startsWith(ASIDE))) {
          const one = toRemovable(aside.slice(ASIDE.length), found);
          await finish(one, beat);
          removed.push(one.name);
        }
        const request = { names, living: livingName(host.home), now: new Date(), days: settings.UNDO_RETENTION_DAYS };
        for (const one of chooseRemovable(found, request)) {
          const data = join(host.home, one.name);
          if (await isBusy(data)) {
            logger.warn({ cluster: one.name }, 'Old cluster kept: a PostgreSQL server works on it. Stop that server');
            continue;
          }
          await rename(data, join(host.home, ASIDE + one.name));
          await finish(one, beat);
          removed.push(one.name);
        }
        await noteMissing(found.left);
        return removed;
      }),
  };

  /** One that an operator removed, or that lay on a machine that is gone: certificates name it no longer. */
  async function noteMissing(left: ReturnType<typeof findLeftClusters>['left']): Promise<void> {
    const noted = await listRemovals(backups);
    for (const { name, goesAt, leftAt } of left) {
      const isNoted = noted.some(({ cluster, at }) => cluster === name && new Date(at) >= leftAt);
      const isHere = [name, ASIDE + name].some((folder) => existsSync(join(host.home, folder)));
      if (goesAt && goesAt <= new Date() && !isNoted && !isHere) await writeRemoval(backups, name);
    }
  }
}

export type ClusterRetentionActivities = ReturnType<typeof createClusterRetentionActivities>;
