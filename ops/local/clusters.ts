// Where PostgreSQL's clusters lie, side by side, and which of them lives: a pointer that is replaced by a rename, so that
// at every moment exactly one does. Whoever starts PostgreSQL reads it.
import { existsSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The folders' names that we make: the first cluster, those of restores, and what a restore is compared with. */
export const CLUSTER_NAME = /^(?:data|(?:data|truth)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

const POINTER = 'current';
const FIRST = 'data';

/** The name of the folder that lives, below the clusters' home. */
export function livingName(home: string): string {
  try {
    return basename(readlinkSync(join(home, POINTER)));
  } catch {
    return FIRST;
  }
}

export const livingCluster = (home: string): string => join(home, livingName(home));

export const isClusterThere = (home: string): boolean => existsSync(join(livingCluster(home), 'PG_VERSION'));

/** All clusters, whichever lives. */
export function clusterFolders(home: string): string[] {
  if (!existsSync(home)) return [];
  const folders = readdirSync(home, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => join(home, name)).filter((folder) => existsSync(join(folder, 'PG_VERSION')));
}

export function pointTo(home: string, name: string): void {
  if (!existsSync(join(home, name, 'PG_VERSION'))) throw new Error(`There is no cluster ${name} to point to`);
  const fresh = join(home, `${POINTER}.new`);
  rmSync(fresh, { force: true });
  symlinkSync(name, fresh);
  renameSync(fresh, join(home, POINTER));
}
