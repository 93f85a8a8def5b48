// Keeps beside the backups what the worker on the database's host has found out about archiving: the API can't look itself.
import { text } from 'node:stream/consumers';
import { nullIfNoObject, type ObjectStore } from '../runtime/object-store';
import type { ArchivingState } from './archiving';

const KEY = 'archiving/state.json';
/** The worker writes it anew at least so often. */
export const RECORDED_EACH_SECONDS = 60;
/** Nobody watches any more, if it is older. */
const VALID_SECONDS = 5 * 60;

export type ArchivingRecord = Pick<ArchivingState, 'state' | 'reason' | 'newestSegment'> & { at: string };

export async function recordArchiving(backups: ObjectStore, state: ArchivingState): Promise<void> {
  const { newestSegment, reason } = state;
  const record: ArchivingRecord = { state: state.state, reason, newestSegment, at: new Date().toISOString() };
  await backups.put(KEY, Buffer.from(`${JSON.stringify(record)}\n`), { type: 'application/json' });
}

/** Returns null if nobody has watched lately. Throws what the store throws. */
export async function readArchivingRecord(backups: ObjectStore): Promise<ArchivingRecord | null> {
  const found = await backups.get(KEY).catch(nullIfNoObject);
  if (!found) return null;
  const record: ArchivingRecord = JSON.parse(await text(found));
  return Date.now() - Date.parse(record.at) > VALID_SECONDS * 1000 ? null : record;
}
