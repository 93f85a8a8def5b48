// Stores a signed record of each adoption under BACKUP_URL, where no restore rewinds it. Ids, times and codes only.
import { z } from 'zod';
import { ForeignObject, getSigned, nullIfForeign, putSigned, type SignedStore } from '../../ops/runtime/signed-store';
import { ADOPTED_AS } from '../../workflows/contracts/adoption';

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

type Writable = Pick<SignedStore, 'put' | 'signer'>;
type Readable = Pick<SignedStore, 'get' | 'signer'>;

export const writeAdoption = (backups: Writable, record: AdoptionRecord): Promise<void> =>
  putSigned(backups, recordKey(record.id), record);

/** Returns null if there is no record of this id. Throws ForeignObject. */
export async function readAdoption(backups: Readable, id: string): Promise<AdoptionRecord | null> {
  const found = await getSigned(backups, recordKey(id));
  if (found === null) return null;
  const record = Record.safeParse(found);
  if (!record.success || record.data.id !== id) {
    throw new ForeignObject(recordKey(id), 'is no record of an adoption of this release');
  }
  return record.data;
}

/** Lists our records. Throws ForeignObject if one is not ours. */
export const listAdoptions = (backups: Readable & Pick<SignedStore, 'list'>): Promise<AdoptionRecord[]> =>
  list(backups, (id) => readAdoption(backups, id));

/** Leaves out those that are not ours, so that a worker's start depends on none of them. */
export const listSoundAdoptions = (backups: Readable & Pick<SignedStore, 'list'>): Promise<AdoptionRecord[]> =>
  list(backups, (id) => readAdoption(backups, id).catch(nullIfForeign));

async function list(
  backups: Pick<SignedStore, 'list'>,
  read: (id: string) => Promise<AdoptionRecord | null>,
): Promise<AdoptionRecord[]> {
  const records: AdoptionRecord[] = [];
  for await (const key of backups.list(ADOPTIONS)) {
    const [, id] = /^adoptions\/([0-9a-f-]{36})\.json$/.exec(key) ?? [];
    const record = id && (await read(id));
    if (record) records.push(record);
  }
  return records;
}

export const writeLostOfAdoption = (backups: Writable, id: string, lost: object): Promise<void> =>
  putSigned(backups, lostKey(id), lost);
