// Finds what a migration takes from the release before it, which runs on the migrated database until it is replaced, and
// again after a rollback.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Column, Shape, Table } from '../../ops/migrations/shape';

/** Compares the tables and columns that the migration found with those that it left. New tables break nobody. */
export function findBreakingChanges(before: Shape, after: Shape): string[] {
  return [...before].flatMap(([id, table]) => {
    const now = after.get(id);
    if (!now) return [`drops table ${table.name}`];
    return [...(now.name === table.name ? [] : [`renames table ${table.name}`]), ...compareColumns(table, now)];
  });
}

function compareColumns(before: Table, after: Table): string[] {
  const numbers = new Set([...before.columns.keys(), ...after.columns.keys()]);
  const isRewritten = before.file !== after.file;
  return [...numbers].flatMap((number) => {
    const [was, is] = [before.columns.get(number), after.columns.get(number)];
    const name = `${before.name}.${(was ?? is)?.name}`;
    return compareColumn(was, is, isRewritten).map((change) => `${change} ${name}`);
  });
}

function compareColumn(was: Column | undefined, is: Column | undefined, isRewritten: boolean): string[] {
  if (!is) return ['drops column'];
  if (!was) return is.isRequired && !is.hasDefault ? ['adds NOT NULL without a default as'] : [];
  return [
    ...(is.name === was.name ? [] : ['renames column']),
    ...(is.type !== was.type && isRewritten ? ['rewrites the type of'] : []),
    ...(is.isRequired && !was.isRequired ? ['forbids NULL in'] : []),
  ];
}

const UNUSED_SINCE = /^Unused since: (\d+\.\d+\.\d+)$/m;

/**
 * Returns why the migration may not break what it breaks, or null if it may.
 *
 * @param folder of the migration; `contract.md` there says since which release nothing uses the old form
 * @param version of the coming release
 */
export function findContractFault(folder: string, changes: string[], version: string): string | null {
  if (changes.length === 0) return null;
  const file = join(folder, 'contract.md');
  const since = existsSync(file) ? UNUSED_SINCE.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  const what = `It ${changes.join(', ')}`;
  if (since === undefined) {
    return `${what}. Keep the old form until a release has stopped using it, then say so in contract.md (docs/upgrades.md).`;
  }
  if (since.localeCompare(version, 'en', { numeric: true }) < 0) return null;
  return `${what}, which the release before ${version} still uses. Wait until ${since} is released.`;
}
