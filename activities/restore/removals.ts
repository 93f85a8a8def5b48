// Notes which left cluster was removed and when, beside the restore records: workers away from the disk read it here.
import { z } from 'zod';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { parse, readObject } from '../audit-trail/stored-json';
import { RESTORES } from './records';

const REMOVED = `${RESTORES}removed/`;

const Removal = z.object({
  /** The folder's name below POSTGRES_HOME. */
  cluster: z.string(),
  at: z.iso.datetime(),
});
export type Removal = z.infer<typeof Removal>;

export async function writeRemoval(backups: ObjectStore, cluster: string, at = new Date()): Promise<void> {
  const removal: Removal = { cluster, at: at.toISOString() };
  await backups.put(`${REMOVED}${cluster}.json`, Buffer.from(`${JSON.stringify(removal)}\n`), {
    type: 'application/json',
  });
}

/** Skips a note that can't be read: its cluster then counts as still there. */
export async function listRemovals(backups: ObjectStore): Promise<Removal[]> {
  const removals: Removal[] = [];
  for await (const key of backups.list(REMOVED)) {
    const found = Removal.safeParse(parse((await readObject(backups, key)) ?? ''));
    if (found.success) removals.push(found.data);
  }
  return removals;
}
