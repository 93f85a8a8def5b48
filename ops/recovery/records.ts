// Reads documents beside the backups: records of restores, reports of drills. One that is not ours counts as none.
import { parse, readObject } from '../../activities/audit-trail/stored-json';
import { ADOPTIONS } from '../../activities/continuity/adoption-records';
import { DRILLS } from '../../activities/drill-reports';
import { lostKey, RESTORES, recordKey } from '../../activities/restore/records';
import type { Lost } from '../../activities/rewind/lost';
import type { ObjectStore } from '../runtime/object-store';
import { getSigned, nullIfForeign, type SignedStore } from '../runtime/signed-store';

export { ADOPTIONS, DRILLS, RESTORES };

/** The names below a prefix, the oldest first: each begins with its time. */
export async function listRecords(backups: ObjectStore, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const key of backups.list(prefix)) {
    const name = key.slice(prefix.length);
    if (/^[^/]+\.json$/.test(name)) names.push(name.slice(0, -'.json'.length));
  }
  return names.sort();
}

/** Returns null if there is none, or it is not ours. */
export async function readRecord(backups: SignedStore, restoreId: string): Promise<Record<string, unknown> | null> {
  return (await getSigned(backups, recordKey(restoreId)).catch(nullIfForeign)) as Record<string, unknown> | null;
}

/** Returns the report of a drill as it stands there, signed or not; null if there is none, or it is no document. */
export async function readDrill(backups: ObjectStore, name: string): Promise<Record<string, unknown> | null> {
  const document = parse((await readObject(backups, `${DRILLS}${name}.json`)) ?? '');
  return document && typeof document === 'object' ? (document as Record<string, unknown>) : null;
}

/** What a restore or an adoption has lost, as it was listed at its end. */
export async function readLost(backups: SignedStore, restoreId: string): Promise<Lost | null> {
  for (const key of [lostKey(restoreId), `${ADOPTIONS}${restoreId}/lost.json`]) {
    const lost = await getSigned(backups, key).catch(nullIfForeign);
    if (lost) return lost as Lost;
  }
  return null;
}
