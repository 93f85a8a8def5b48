// Tells, before anything is copied, whether this host can check what a restore brings: what can't be checked is never sound.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withClient } from '../../ops/local/database';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { refusal } from './refusal';

export const AMCHECK = 'pg_amcheck';
const REMEDY = "Install PostgreSQL's contributed modules (Debian, Ubuntu: they are in the package postgresql).";

export const couldNotCheck = (why: string) =>
  refusal('check_failed', `The pages of the restored database could not be checked: ${why}`);

/** Throws a refusal. */
export async function requireChecks({ host, settings }: RecoveryTools): Promise<void> {
  if (!existsSync(join(host.bin, AMCHECK))) throw couldNotCheck(`${AMCHECK} is not in ${host.bin}. ${REMEDY}`);
  // A database that is away can't be asked; the check itself then says so.
  const isMissing = await withClient(settings.DATABASE_URL, async (client) => {
    const { rowCount } = await client.query(`SELECT FROM pg_available_extensions WHERE name = 'amcheck'`);
    return rowCount === 0;
  }).catch(() => false);
  if (isMissing) throw couldNotCheck(`PostgreSQL has no extension amcheck. ${REMEDY}`);
}
