// Reads which migrations the database has, and decides which have to be undone to get back to one of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { CommandFailed } from '../command';
import { knownMigrations } from '../runtime/known-migrations';

export interface Migration {
  name: string;
  /** The SQL that undoes it. */
  down: string;
}

export const REFUSED = 3;
const refuse = (code: string, message: string) => new CommandFailed(code, message, REFUSED);

/**
 * Returns the applied migrations after the target, the newest first.
 *
 * @param root the folder of the package
 * @throws CommandFailed with the remedy if that would be a guess
 */
export async function findLaterMigrations(client: pg.ClientBase, target: string, root: string): Promise<Migration[]> {
  const known = knownMigrations(root);
  if (!known.includes(target)) {
    throw refuse('unknown_migration', `This release has no migration ${target}. Name one of prisma/migrations/.`);
  }
  const applied = await readApplied(client);
  const foreign = applied.filter((name) => !known.includes(name));
  if (foreign.length > 0) {
    throw refuse(
      'newer_schema',
      `The database has ${foreign.join(', ')}, which this release does not know. Run this command of the release that applied it.`,
    );
  }
  if (!applied.includes(target)) {
    throw refuse('not_applied', `The database does not have ${target}. Apply it first: npm run migrate`);
  }
  return applied
    .filter((name) => name > target)
    .sort()
    .reverse()
    .map((name) => ({ name, down: readDown(root, name) }));
}

async function readApplied(client: pg.ClientBase): Promise<string[]> {
  const { rows: tables } = await client.query(`SELECT to_regclass('_prisma_migrations') AS name`);
  if (tables[0]?.name === null) {
    throw refuse(
      'never_migrated',
      'The database has no migration, so there is none to undo. To migrate it: npm run migrate',
    );
  }
  const { rows } = await client.query<{ name: string; isFinished: boolean }>(`
    SELECT migration_name AS name, finished_at IS NOT NULL AS "isFinished"
    FROM _prisma_migrations WHERE rolled_back_at IS NULL`);
  const unfinished = rows.find(({ isFinished }) => !isFinished);
  if (unfinished) {
    const { name } = unfinished;
    throw refuse(
      'unfinished_migration',
      `The migration ${name} failed or was interrupted. Undo by hand what it left, if anything, and record that: ` +
        `node prisma/cli.mjs migrate resolve --rolled-back ${name}`,
    );
  }
  return rows.map(({ name }) => name);
}

function readDown(root: string, name: string): string {
  const file = join('prisma', 'migrations', name, 'down.sql');
  const down = readText(join(root, file));
  if (down.trim() !== '') return down;
  throw refuse(
    'no_down',
    `${file} is missing or empty, so ${name} can't be undone. Add a reviewed one, or restore a backup from before it (docs/DR_RUNBOOK.md).`,
  );
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
