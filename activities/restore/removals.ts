// Notes which left cluster was removed and when, beside the restore records: workers away from the disk read it here.
import { z } from 'zod';
import { getSigned, nullIfForeign, putSigned, type SignedStore } from '../../ops/runtime/signed-store';
import { ClusterName, RESTORES } from './records';

const REMOVED = `${RESTORES}removed/`;

const Removal = z.object({
  /** The folder's name below POSTGRES_HOME. */
  cluster: ClusterName,
  at: z.iso.datetime(),
});
export type Removal = z.infer<typeof Removal>;

export async function writeRemoval(backups: SignedStore, cluster: string, at = new Date()): Promise<void> {
  const removal: Removal = { cluster, at: at.toISOString() };
  await putSigned(backups, `${REMOVED}${cluster}.json`, removal);
}

/** Skips a note that is not ours: its cluster then counts as still there. */
export async function listRemovals(backups: SignedStore): Promise<Removal[]> {
  const removals: Removal[] = [];
  for await (const key of backups.list(REMOVED)) {
    const found = Removal.safeParse(await getSigned(backups, key).catch(nullIfForeign));
    if (found.success) removals.push(found.data);
  }
  return removals;
}
