// Where PostgreSQL's clusters lie, side by side, and which of them lives: a pointer that is replaced by a rename, so that
// at every moment exactly one does. Whoever starts PostgreSQL reads it.
import { existsSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

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

export function pointTo(home: string, name: string): void {
  if (!existsSync(join(home, name, 'PG_VERSION'))) throw new Error(`There is no cluster ${name} to point to`);
  const fresh = join(home, `${POINTER}.new`);
  rmSync(fresh, { force: true });
  symlinkSync(name, fresh);
  renameSync(fresh, join(home, POINTER));
}
