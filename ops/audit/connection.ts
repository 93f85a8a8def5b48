// The database of the tools of the audit trail.
import { CommandFailed } from '../command';
import { findDatabaseTrouble } from '../runtime/database-trouble';

/** Throws CommandFailed with the setting and the remedy, where Prisma would only say `P1000`. */
export async function requireDatabase(url: string): Promise<void> {
  const trouble = await findDatabaseTrouble(url, { migrated: false });
  if (trouble) throw new CommandFailed('unchecked', `Could not check: ${trouble.message}`);
}

/** A tool asks one thing after the other; a second connection looks at what happens meanwhile. */
export const ONE_CONNECTION = {
  DB_POOL_SIZE: 1,
  DB_POOL_OVERFLOW: 1,
  DB_POOL_TIMEOUT_SECONDS: 30,
  DB_POOL_RECYCLE_SECONDS: 24 * 3600,
};
