// Finds and replaces mentions of a person in what Prisma logged of a migration that failed: PostgreSQL's message may quote
// the row that stood in its way.
import type { Database } from '../../../../prisma/client';
import { shutOutNewHolds } from '../../../personal-data/erase-drafts';
import { mentionsOf } from '../../../personal-data/mentions';
import type { Person } from '../store';
import { isHeld } from './held-person';

export interface MigrationLog {
  /** The id of the migration's row. */
  id: string;
  logs: string;
}

/** Returns the logs that mention the person: none where another program than Prisma made the schema. */
export async function findMigrationLogs(db: Database, { email }: Person): Promise<MigrationLog[]> {
  const [table] = await db.$queryRaw<{ there: boolean }[]>`
    SELECT to_regclass('_prisma_migrations') IS NOT NULL AS there`;
  if (!table?.there) return [];
  const logged = await db.$queryRaw<MigrationLog[]>`
    SELECT id, logs FROM _prisma_migrations WHERE logs IS NOT NULL ORDER BY id`;
  const { isIn } = mentionsOf(email);
  return logged.filter(({ logs }) => isIn(logs));
}

/** Returns the same for the person's export, one item for each log. */
export async function readMigrationLogs(db: Database, person: Person): Promise<unknown[]> {
  const found = await findMigrationLogs(db, person);
  return found.map(({ id, logs }) => ({ kind: 'mention', in: '_prisma_migrations', id, fields: { logs } }));
}

/** @returns how many logs changed */
export async function replaceMigrationLogs(db: Database, person: Person): Promise<number> {
  const mentions = mentionsOf(person.email);
  let replaced = 0;
  for (const { id, logs } of await findMigrationLogs(db, person)) {
    replaced += await db.$transaction(async (transaction) => {
      const tx = transaction as Database;
      await shutOutNewHolds(tx);
      if (await isHeld(tx, person)) return 0;
      return tx.$executeRaw`UPDATE _prisma_migrations SET logs = ${mentions.replace(logs).text} WHERE id = ${id}`;
    });
  }
  return replaced;
}
