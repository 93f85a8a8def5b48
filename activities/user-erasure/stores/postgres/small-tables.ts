// Goes through the tables that have a purge of their own and are read whole for each erasure, because they are small.
import type { Database } from '../../../../prisma/client';
import { mentionsOf } from '../../../personal-data/mentions';
import type { Person } from '../store';
import { findKeyGroups, readKeyGroups, replaceKeyGroups } from './key-groups';
import { findMigrationLogs, readMigrationLogs, replaceMigrationLogs } from './migration-logs';

/** @returns how many rows mention the person */
export async function countInSmallTables(db: Database, { email }: Person): Promise<number> {
  const mentions = mentionsOf(email);
  const [keys, logs] = await Promise.all([findKeyGroups(db, mentions), findMigrationLogs(db, mentions)]);
  return keys.length + logs.length;
}

/** @returns one item for each of those rows */
export async function readInSmallTables(db: Database, { email }: Person): Promise<unknown[]> {
  const mentions = mentionsOf(email);
  return [...(await readKeyGroups(db, mentions)), ...(await readMigrationLogs(db, mentions))];
}

/** @returns how many rows mention the person no more */
export async function replaceInSmallTables(db: Database, person: Person): Promise<number> {
  const mentions = mentionsOf(person.email);
  const keys = await replaceKeyGroups(db, person, mentions);
  return keys + (await replaceMigrationLogs(db, person, mentions));
}
