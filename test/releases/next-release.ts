// Makes a later release of an installation's own: its sources with another version, a migration and a change, built for real.
import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNode } from './run-node';

const LEFT_OUT = ['.git', '.countersign', 'node_modules'];

export interface NextRelease {
  version: string;
  /** Adds this column to `drafts`. */
  column?: string;
  /** Replaces texts in a source file, each of which must be there. */
  changes?: Record<string, [from: string, to: string][]>;
}

/** @param from the folder of the release before. @returns the new folder */
export async function makeNextRelease(
  from: string,
  folder: string,
  { version, column, changes = {} }: NextRelease,
): Promise<string> {
  mkdirSync(folder);
  for (const name of readdirSync(from)) {
    if (!LEFT_OUT.includes(name)) cpSync(join(from, name), join(folder, name), { recursive: true });
  }
  symlinkSync(realpathSync(join(from, 'node_modules')), join(folder, 'node_modules'));
  const manifest = join(folder, 'package.json');
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), version }, null, 2));
  if (column) addColumn(folder, column);
  for (const [file, replacements] of Object.entries(changes)) {
    let source = readFileSync(join(folder, file), 'utf8');
    for (const [old, fresh] of replacements) {
      if (!source.includes(old)) throw new Error(`${file} does not say ${old}`);
      source = source.replace(old, fresh);
    }
    writeFileSync(join(folder, file), source);
  }
  await runNode(folder, ['ops/build.mjs']);
  return folder;
}

function addColumn(folder: string, column: string): void {
  const migration = join(folder, 'prisma', 'migrations', `29991231000000_${column}`);
  mkdirSync(migration);
  writeFileSync(join(migration, 'migration.sql'), `ALTER TABLE "drafts" ADD COLUMN "${column}" TEXT;\n`);
  writeFileSync(join(migration, 'down.sql'), `ALTER TABLE "drafts" DROP COLUMN "${column}";\n`);
}
