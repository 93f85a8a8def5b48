// Presents an adoption as the record of a restore, so that what it lost is brought back in the same way.
import { livingName } from '../../ops/local/clusters';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { readAdoption } from '../continuity/adoption-records';
import type { RestoreRecord } from './records';

const ADOPTED = 'adopted';

export const isAdoption = ({ setId }: RestoreRecord): boolean => setId === ADOPTED;

/** Returns null if there was no adoption of this id. The database before it is gone: only the archive may know what was lost. */
export async function recordOfAdoption(
  { backups, host }: RecoveryTools,
  adoptionId: string,
): Promise<RestoreRecord | null> {
  const adopted = await readAdoption(backups, adoptionId);
  if (!adopted) return null;
  const { id, at, generation, position, previousTimeline, timeline } = adopted;
  return {
    id,
    at,
    state: 'switched',
    setId: ADOPTED,
    target: ADOPTED,
    generation,
    timeline: timeline ?? 1,
    previousTimeline,
    cluster: livingName(host.home),
    previous: null,
    head: { position, hash: '' },
  };
}
