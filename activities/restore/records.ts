// What was restored, beside the backups: no restore rewinds it. Ids, times and codes only.
import { z } from 'zod';
import { ObjectNotFound, type ObjectStore } from '../../ops/runtime/object-store';

export const RESTORES = 'restores/';
export const recordKey = (restoreId: string) => `${RESTORES}${restoreId}.json`;
export const lostKey = (restoreId: string) => `${RESTORES}${restoreId}/lost.json`;

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
  cluster: z.string(),
  previous: z.string().nullable(),
  /** Of the audit chain with which it began. */
  head: z.object({ position: z.string(), hash: z.string() }),
});
export type RestoreRecord = z.infer<typeof Record>;

export async function writeRecord(backups: ObjectStore, record: RestoreRecord): Promise<void> {
  await backups.put(recordKey(record.id), Buffer.from(`${JSON.stringify(record, null, 2)}\n`), {
    type: 'application/json',
  });
}

export async function readRecord(backups: ObjectStore, restoreId: string): Promise<RestoreRecord | null> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of await backups.get(recordKey(restoreId))) chunks.push(chunk as Buffer);
    return Record.parse(JSON.parse(Buffer.concat(chunks).toString()));
  } catch (error) {
    if (error instanceof ObjectNotFound) return null;
    throw error;
  }
}

/** Whether this error says that a record is damaged, and not that the store is away. */
export const isDamagedRecord = (error: unknown): boolean => error instanceof z.ZodError || error instanceof SyntaxError;

export function nullIfDamaged(error: unknown): null {
  if (isDamagedRecord(error)) return null;
  throw error;
}

/** Without those that are damaged: who starts must not depend on them. */
export async function listSoundRecords(backups: ObjectStore): Promise<RestoreRecord[]> {
  const records: RestoreRecord[] = [];
  for await (const id of listIds(backups)) {
    const record = await readRecord(backups, id).catch(nullIfDamaged);
    if (record) records.push(record);
  }
  return records;
}

/** The oldest first. */
export async function listRecords(backups: ObjectStore): Promise<RestoreRecord[]> {
  const records: RestoreRecord[] = [];
  for await (const id of listIds(backups)) {
    const record = await readRecord(backups, id);
    if (record) records.push(record);
  }
  return records.sort((a, b) => (a.at < b.at ? -1 : 1));
}

async function* listIds(backups: ObjectStore): AsyncIterable<string> {
  for await (const key of backups.list(RESTORES)) {
    const id = /^restores\/([0-9a-f-]{36})\.json$/.exec(key)?.[1];
    if (id) yield id;
  }
}

export const isInEffect = ({ state }: RestoreRecord) => ['switched', 'reconciled', 'accepted'].includes(state);

/** Of those that are in effect; an undo is a restore of its own. */
export async function newestRecord(backups: ObjectStore): Promise<RestoreRecord | null> {
  return (await listRecords(backups)).filter(isInEffect).at(-1) ?? null;
}
