// Documents beside the backups: records of restores, reports of drills.
import { ADOPTIONS } from '../../activities/continuity/adoption-records';
import { RESTORES } from '../../activities/restore/records';
import type { Lost } from '../../activities/rewind/lost';
import { ObjectNotFound, type ObjectStore } from '../runtime/object-store';

export { ADOPTIONS, RESTORES };

export const DRILLS = 'drills/';

/** The names below a prefix, the oldest first: each begins with its time. */
export async function listRecords(backups: ObjectStore, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const key of backups.list(prefix)) {
    const name = key.slice(prefix.length);
    if (/^[^/]+\.json$/.test(name)) names.push(name.slice(0, -'.json'.length));
  }
  return names.sort();
}

/** Null where there is none, or it is no document. */
export async function readRecord(
  backups: ObjectStore,
  prefix: string,
  name: string,
): Promise<Record<string, unknown> | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of await backups.get(`${prefix}${name}.json`)) chunks.push(chunk as Buffer);
    const document: unknown = JSON.parse(Buffer.concat(chunks).toString());
    return document && typeof document === 'object' ? (document as Record<string, unknown>) : null;
  } catch (error) {
    if (error instanceof ObjectNotFound || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** What a restore has lost, as it was listed when it switched. */
export const readLost = async (backups: ObjectStore, restoreId: string): Promise<Lost | null> =>
  ((await readRecord(backups, RESTORES, `${restoreId}/lost`)) ??
    (await readRecord(backups, ADOPTIONS, `${restoreId}/lost`))) as Lost | null;
