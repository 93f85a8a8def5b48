// `npm run migrate:down`: takes the schema back to an earlier migration.
import { type Command, CommandFailed, printDocument, readOptions, runCommand, WrongUsage } from '../command';
import { withClient } from '../local/database';
import { readSettings } from '../runtime/configuration';
import { findDatabaseTrouble } from '../runtime/database-trouble';
import { PACKAGE_ROOT } from '../runtime/package-root';
import { findLaterMigrations, REFUSED } from './history';
import { lockMigrations } from './lock';
import { countLosses, describeLosses, type Undone } from './losses';
import { rehearse, undo } from './undo';

const EXIT = { done: 0, failed: 1, refused: REFUSED } as const;

const HELP = `npm run migrate:down: takes the database back to just after a migration, by the down.sql of each newer one.

  npm run migrate:down -- 20261130110000_breakers --dry-run   what it would undo, and the rows that would be lost
  npm run migrate:down -- 20261130110000_breakers

  --dry-run   changes nothing
  --json      prints one JSON document
  --help      this text

It undoes all of them or none, and waits while another process migrates. To apply them again: npm run migrate
Reads DATABASE_URL; the role must own the tables.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, with nothing changed.`;

const OPTIONS = { 'dry-run': { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } as const;

/** @param root the folder whose prisma/migrations/ it takes */
export const createDownCommand = (root = PACKAGE_ROOT): Command => ({
  help: HELP,
  usage: `\n${HELP}`,
  failed: EXIT.failed,
  async run(args) {
    const { values, positionals } = readOptions({ args, options: OPTIONS, allowPositionals: true });
    const [target, ...more] = positionals;
    if (target === undefined || more.length > 0) throw new WrongUsage('Name the one migration to go back to.');
    const undone = await goDown(target, { root, dryRun: values['dry-run'] });
    if (values.json) printDocument({ status: 'done', target, dryRun: values['dry-run'], undone });
    else console.log(describe(target, undone, values['dry-run']));
    return EXIT.done;
  },
});

async function goDown(target: string, { root, dryRun }: { root: string; dryRun: boolean }): Promise<Undone[]> {
  const { DATABASE_URL } = readSettings(['DATABASE_URL']);
  const trouble = await findDatabaseTrouble(DATABASE_URL, { migrated: false });
  if (trouble) throw new CommandFailed('database_trouble', trouble.message);
  return withClient(DATABASE_URL, async (client) => {
    await lockMigrations(client);
    const migrations = await findLaterMigrations(client, target, root);
    // Counting takes longer than undoing, so no table is locked meanwhile.
    const undone = await countLosses(client, await rehearse(client, migrations));
    if (!dryRun) await undo(client, migrations);
    return undone;
  });
}

function describe(target: string, undone: Undone[], dryRun: boolean): string {
  if (undone.length === 0) return `The database has nothing newer than ${target}.`;
  const [would, count] = [dryRun ? 'Would undo' : 'Undone:', `${undone.length} migration(s), the newest first`];
  return [`${would} ${count}`, ...undone.flatMap(describeMigration)].join('\n');
}

function describeMigration({ migration, ...losses }: Undone): string[] {
  const lines = describeLosses(losses);
  return [
    `· ${migration}`,
    ...(lines.length > 0 ? lines : ['no table, column or row is lost']).map((line) => `    ${line}`),
  ];
}

if (require.main === module) runCommand(createDownCommand());
