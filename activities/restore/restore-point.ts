// The restore point that an operation recorded before it began.
import type { SignedStore } from '../../ops/runtime/signed-store';
import { type RestorePoint, readRestorePoint, restorePointName } from '../restore-points';
import { refusal, refuseForeign } from './refusal';

const OPERATION_ID = /^[\w-]{1,60}$/;

export async function findRestorePoint(backups: SignedStore, operationId: string): Promise<RestorePoint> {
  const point = OPERATION_ID.test(operationId)
    ? await readRestorePoint(backups, restorePointName(operationId)).catch(refuseForeign)
    : null;
  if (!point) throw refusal('no_restore_point', `No operation ${operationId} recorded a restore point.`);
  return point;
}
