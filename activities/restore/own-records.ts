// Requires that every record of a restore or an adoption under BACKUP_URL is ours, before a restore or an adoption begins.
import type { SignedStore } from '../../ops/runtime/signed-store';
import { listAdoptions } from '../continuity/adoption-records';
import { listRecords } from './records';
import { refuseForeign } from './refusal';

/** Refuses, and names the object: a new life has to begin above the generation of every earlier one. */
export async function requireOwnRecords(backups: SignedStore): Promise<void> {
  await listRecords(backups).catch(refuseForeign);
  await listAdoptions(backups).catch(refuseForeign);
}
