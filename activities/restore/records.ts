// Stores a signed record of each restore under BACKUP_URL, where no restore rewinds it. Ids, times and codes only.
import { z } from 'zod';
import { CLUSTER_NAME } from '../../ops/local/clusters';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { ForeignObject, getSigned, nullIfForeign, putSigned, type SignedStore } from '../../ops/runtime/signed-store';

export const RESTORES = 'restores/';
export const recordKey = (restoreId: string) => `${RESTORES}${restoreId}.json`;
export const lostKey = (restoreId: string) => `${RESTORES}${restoreId}/lost.json`;

/** A folder below POSTGRES_HOME, which is started, stopped and removed: only one that we have named. */
export const ClusterName = z.string().regex(CLUSTER_NAME);

const Record = z.object({
  id: z.uuid(),
  at: z.iso.datetime(),
  state: z.enum(['prepared', 'switched', 'reconciled', 'accepted', 'undone', 'abandoned']),
  setId: z.string(),
  /** What was asked for, in a few words. */
  target: z.string(),
  generation: z.number().int(),
  /** On which timeline of the log the database went on, and on which it had been. */
  timeline: z.number().int(),
  previousTimeline: z.number().int().nullable(),
  /** The folders below POSTGRES_HOME. */
  cluster: ClusterName,
  previous: ClusterName.nullable(),
  /** Of the audit chain with which it began. */
  head: z.object({ position: z.string().regex(/^\d{1,19}$/), hash: z.string() }),
});
export type RestoreRecord = z.infer<typeof Record>;

export const writeRecord = (backups: Pick<SignedStore, 'put' | 'signer'>, record: RestoreRecord): Promise<void> =>
  putSigned(backups, recordKey(record.id), record);

/** Returns null if there is no record of this id. Throws ForeignObject. */
export async function readRecord(
  backups: Pick<SignedStore, 'get' | 'signer'>,
  restoreId: string,
): Promise<RestoreRecord | null> {
  const found = await getSigned(backups, recordKey(restoreId));
  if (found === null) return null;
  const record = Record.safeParse(found);
  if (!record.success || record.data.id !== restoreId) {
    throw new ForeignObject(recordKey(restoreId), 'is no record of a restore of this release');
  }
  return record.data;
}

/** Lists our records and leaves out all others, so that a worker's start depends on none of them. */
export async function listSoundRecords(backups: SignedStore): Promise<RestoreRecord[]> {
  const records: RestoreRecord[] = [];
  for await (const id of listIds(backups)) {
    const record = await readRecord(backups, id).catch(nullIfForeign);
    if (record) records.push(record);
  }
  return records;
}

/** Lists the oldest first. Throws ForeignObject if one is not ours. */
export async function listRecords(backups: SignedStore): Promise<RestoreRecord[]> {
  const records: RestoreRecord[] = [];
  for await (const id of listIds(backups)) {
    const record = await readRecord(backups, id);
    if (record) records.push(record);
  }
  return records.sort((a, b) => (a.at < b.at ? -1 : 1));
}

async function* listIds(backups: Pick<ObjectStore, 'list'>): AsyncIterable<string> {
  for await (const key of backups.list(RESTORES)) {
    const id = /^restores\/([0-9a-f-]{36})\.json$/.exec(key)?.[1];
    if (id) yield id;
  }
}

export const isInEffect = ({ state }: RestoreRecord) => ['switched', 'reconciled', 'accepted'].includes(state);

/** Of those that are in effect; an undo is a restore of its own. */
export async function newestRecord(backups: SignedStore): Promise<RestoreRecord | null> {
  return (await listRecords(backups)).filter(isInEffect).at(-1) ?? null;
}

/**
 * Removes the lists of what restores lost that are settled and began before: the sets from which it could be brought back are
 * gone. The records stay, since anchors that a restore abandoned have to be known as abandoned. Returns how many were removed.
 */
export async function pruneLists(backups: SignedStore, before: Date): Promise<number> {
  const old = (await listSoundRecords(backups)).filter(
    ({ at, state }) => Date.parse(at) < before.getTime() && SETTLED.includes(state),
  );
  let removed = 0;
  for (const { id } of old) {
    if (!(await backups.has(lostKey(id)))) continue;
    await backups.delete(lostKey(id));
    removed += 1;
  }
  return removed;
}

const SETTLED: RestoreRecord['state'][] = ['reconciled', 'accepted', 'undone', 'abandoned'];
