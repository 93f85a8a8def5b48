// Stores a record of each adoption under BACKUP_URL, where no restore rewinds it. Ids, times and codes only.
import { z } from 'zod';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { ADOPTED_AS } from '../../workflows/contracts/adoption';
import { parse, readObject } from '../audit-trail/stored-json';

export const ADOPTIONS = 'adoptions/';
const recordKey = (adoptionId: string) => `${ADOPTIONS}${adoptionId}.json`;
const lostKey = (adoptionId: string) => `${ADOPTIONS}${adoptionId}/lost.json`;

const Record = z.object({
  id: z.uuid(),
  at: z.iso.datetime(),
  as: z.enum(ADOPTED_AS),
  code: z.string(),
  generation: z.int(),
  /** On which timeline of the log the database had been, and on which it went on; null if it could not be read. */
  previousTimeline: z.int().nullable(),
  timeline: z.int().nullable(),
  /** The position of the last audit event that both databases have. */
  position: z.string().regex(/^\d{1,19}$/),
});
export type AdoptionRecord = z.infer<typeof Record>;

export const writeAdoption = (backups: Pick<ObjectStore, 'put'>, record: AdoptionRecord): Promise<void> =>
  put(backups, recordKey(record.id), record);

/** Returns null if there is no record of this id. */
export async function readAdoption(backups: Pick<ObjectStore, 'get'>, id: string): Promise<AdoptionRecord | null> {
  const found = Record.safeParse(parse((await readObject(backups, recordKey(id))) ?? ''));
  return found.success ? found.data : null;
}

export async function listAdoptions(backups: Pick<ObjectStore, 'get' | 'list'>): Promise<AdoptionRecord[]> {
  const records: AdoptionRecord[] = [];
  for await (const key of backups.list(ADOPTIONS)) {
    const [, id] = /^adoptions\/([0-9a-f-]{36})\.json$/.exec(key) ?? [];
    const record = id && (await readAdoption(backups, id));
    if (record) records.push(record);
  }
  return records;
}

export const writeLostOfAdoption = (backups: Pick<ObjectStore, 'put'>, id: string, lost: object): Promise<void> =>
  put(backups, lostKey(id), lost);

const put = (backups: Pick<ObjectStore, 'put'>, key: string, content: object) =>
  backups.put(key, Buffer.from(`${JSON.stringify(content, null, 2)}\n`), { type: 'application/json' });
