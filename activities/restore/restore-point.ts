// What dangerous processes recorded before they began: a name in the database's log, and an object that says when.
import { z } from 'zod';
import { ObjectNotFound, type ObjectStore } from '../../ops/runtime/object-store';
import { refusal } from './refusal';

const RestorePoint = z.object({
  name: z.string(),
  lsn: z.string(),
  at: z.iso.datetime(),
  timeline: z.number().int(),
});
export type RestorePoint = z.infer<typeof RestorePoint>;

export async function readRestorePoint(backups: ObjectStore, operationId: string): Promise<RestorePoint> {
  const nothing = refusal('no_restore_point', `No operation ${operationId} recorded a restore point.`);
  if (!/^[\w-]{1,60}$/.test(operationId)) throw nothing;
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of await backups.get(`restore-points/before-${operationId}.json`))
      chunks.push(chunk as Buffer);
    return RestorePoint.parse(JSON.parse(Buffer.concat(chunks).toString()));
  } catch (error) {
    throw error instanceof ObjectNotFound ? nothing : error;
  }
}
