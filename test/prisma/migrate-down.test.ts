// `npm run migrate:down`, on databases that `prisma migrate deploy` has migrated.
import { execFile } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDownCommand } from '../../ops/migrations/down';
import { knownMigrations } from '../../ops/runtime/known-migrations';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { type CommandRun, runHere } from '../support/run-command';
import { readSchema } from '../support/schema-dump';
import { until } from '../support/until';

const MIGRATIONS = knownMigrations();
/** The newer ones drop a table and columns that hold something, and delete rows. */
const TARGET = '20261124000000_init';
const NEWEST = MIGRATIONS.at(-1) as string;
const LATER = MIGRATIONS.filter((name) => name > TARGET).reverse();

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const goDown = (args: string[], root?: string): Promise<CommandRun> =>
  runHere(createDownCommand(root), args, { DATABASE_URL: database.url });

const sql = async (statement: string) => (await database.pool.query(statement)).rows;

const applied = async () =>
  (await sql('SELECT migration_name AS name FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY 1')).map(
    ({ name }) => name,
  );

function deploy(): Promise<number> {
  const env = { ...process.env, DATABASE_URL: database.url };
  return new Promise((resolve) => {
    execFile(process.execPath, ['prisma/cli.mjs', 'migrate', 'deploy'], { cwd: PACKAGE_ROOT, env }, (error) =>
      resolve(error ? Number(error.code) : 0),
    );
  });
}

/** A package that has the same migrations, to be changed. @returns its root and the folder of its newest migration */
function copyMigrations(): { root: string; newest: string } {
  const root = newFolder('package');
  cpSync(join(PACKAGE_ROOT, 'prisma/migrations'), join(root, 'prisma/migrations'), { recursive: true });
  return { root, newest: join(root, 'prisma/migrations', NEWEST) };
}

async function expectUntouched(work: () => Promise<unknown>): Promise<void> {
  const before = [await readSchema(database.url), await sql('SELECT * FROM _prisma_migrations ORDER BY id')];
  await work();
  expect([await readSchema(database.url), await sql('SELECT * FROM _prisma_migrations ORDER BY id')]).toEqual(before);
}

it('undoes every newer migration, and `npm run migrate` applies them again', async () => {
  const schema = await readSchema(database.url);
  const run = await goDown([TARGET, '--json']);
  expect(run).toMatchObject({ code: 0, errors: '' });
  expect(JSON.parse(run.output).undone.map(({ migration }: { migration: string }) => migration)).toEqual(LATER);
  expect(await applied()).toEqual([TARGET]);
  expect(await sql(`SELECT to_regclass('erasures') AS there`)).toEqual([{ there: null }]);

  expect(await deploy()).toBe(0);
  expect(await applied()).toEqual(MIGRATIONS);
  expect(await readSchema(database.url)).toBe(schema);
});

it('says with --dry-run which tables, columns and rows would be lost, and changes nothing', async () => {
  await sql(`INSERT INTO removed_files (sha256) VALUES ('one'), ('two')`);
  await sql(`UPDATE principals SET look = '\\x01' WHERE name = 'countersign:admin'`);
  await sql(`INSERT INTO drafts (id, status, author_id, decision, created_at, updated_at, needs_people)
    VALUES (gen_random_uuid(), 'erased', gen_random_uuid(), '{}', now(), now(), false)`);
  await expectUntouched(async () => {
    const { code, output } = await goDown([TARGET, '--dry-run', '--json']);
    expect(code).toBe(0);
    const { undone, dryRun } = JSON.parse(output);
    expect(dryRun).toBe(true);
    const of = (name: string) => undone.find(({ migration }: { migration: string }) => migration.endsWith(name));
    expect(of('_mentions').drops).toContainEqual({ table: 'removed_files', column: null, rows: 2 });
    expect(of('_principal_looks')).toMatchObject({ drops: [{ table: 'principals', column: 'look', rows: 1 }] });
    expect(of('_personal_data').deletes).toEqual([{ table: 'drafts', rows: 1 }]);
    expect(of('_parked_drafts')).toMatchObject({ drops: [], deletes: [] });
  });
});

it('prints for a person what it undoes', async () => {
  const { output } = await goDown([TARGET, '--dry-run']);
  expect(output).toContain(`Would undo ${LATER.length} migration(s), the newest first\n· ${NEWEST}\n`);
  expect(output).toContain('    no table, column or row is lost\n');
  expect(output).toContain('    drops table crm_syncs, 0 row(s)\n');
  expect(output).toMatch(/^ {4}drops column lanes\.enabled, [1-9] value\(s\)$/m);
});

it('has nothing to do at the newest migration', async () => {
  await expectUntouched(async () => {
    expect(await goDown([NEWEST])).toMatchObject({ code: 0, output: expect.stringContaining('nothing newer') });
  });
});

it.each([
  ['no name', []],
  ['two names', [TARGET, NEWEST]],
  ['an unknown option', [TARGET, '--force']],
])('calls %s wrong usage', async (_, args) => {
  expect(await goDown(args)).toMatchObject({ code: 2, errors: expect.stringContaining('npm run migrate:down') });
});

it.each([
  ['a migration that this release does not have', 'SELECT 1', '20260101000000_unheard_of', 'prisma/migrations/'],
  [
    'a database with a migration of a newer release',
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('newer', '', '29990101000000_newer', now())`,
    TARGET,
    'the release that applied it',
  ],
  [
    'a database with a migration that failed half-way',
    `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '${NEWEST}'`,
    TARGET,
    `migrate resolve --rolled-back ${NEWEST}`,
  ],
  [
    'a migration that is not applied',
    `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '${NEWEST}'`,
    NEWEST,
    'npm run migrate',
  ],
  ['a database that was never migrated', 'DROP TABLE _prisma_migrations CASCADE', TARGET, 'npm run migrate'],
])('refuses %s, and names the remedy', async (_, prepare, target, remedy) => {
  await sql(prepare);
  expect(await goDown([target])).toMatchObject({ code: 3, output: '', errors: expect.stringContaining(remedy) });
  expect(await sql(`SELECT to_regclass('erasures')::text AS there`)).toEqual([{ there: 'erasures' }]);
});

it.each(['missing', 'empty'])('refuses before it begins if a down.sql is %s', async (how) => {
  const { root } = copyMigrations();
  const down = join(root, 'prisma/migrations/20261125000300_retention/down.sql');
  if (how === 'missing') rmSync(down);
  else writeFileSync(down, '\n');
  await expectUntouched(async () => {
    expect(await goDown([TARGET], root)).toMatchObject({
      code: 3,
      errors: expect.stringMatching(/20261125000300_retention\/down\.sql is missing or empty.* restore a backup/),
    });
  });
});

it.each([
  ['COMMIT; SELECT 1;', 3, 'for instance COMMIT or CONCURRENTLY'],
  ['ROLLBACK; DROP TABLE lanes;', 3, 'for instance COMMIT or CONCURRENTLY'],
  ['DROP INDEX CONCURRENTLY "drafts_parked_idx";', 3, 'for instance COMMIT or CONCURRENTLY'],
  ['DROP TABLE "lanes"; SELECT \'a secret\'::int;', 1, 'failed: error, 22P02'],
  ['ALTER TABLE "lanes" ALTER COLUMN "owner" SET NOT NULL;', 1, 'failed: error, 23502, table lanes, column owner'],
  ['ALTER SYSTEM SET fsync = on;', 3, '25001'],
  ['CREATE ROLE someone;', 1, 'as the role that owns the tables'],
])('leaves everything as it was where a down.sql says %s', async (down, code, words) => {
  const { root, newest } = copyMigrations();
  writeFileSync(join(newest, 'down.sql'), down);
  await expectUntouched(async () => {
    const run = await goDown([TARGET], root);
    expect(run).toMatchObject({ code, errors: expect.stringContaining(words) });
    expect(run.errors).toContain('Nothing was changed.');
    expect(run.errors + run.output).not.toContain('a secret');
  });
});

it('takes back the newer migrations too if an older one can not be undone', async () => {
  const { root } = copyMigrations();
  writeFileSync(join(root, 'prisma/migrations/20261125000300_retention/down.sql'), 'SELECT no_such_column;');
  await expectUntouched(async () => {
    const { code, errors } = await goDown([TARGET], root);
    expect([code, errors]).toEqual([1, expect.stringContaining('20261125000300_retention/down.sql failed')]);
  });
});

it('gives up after ten seconds where another session uses a table', async () => {
  const reader = await database.pool.connect();
  await reader.query('BEGIN');
  await reader.query('SELECT 1 FROM drafts');
  try {
    const { code, errors } = await goDown([TARGET]);
    expect([code, errors]).toEqual([1, expect.stringContaining('Stop the workers and the API')]);
  } finally {
    await reader.query('ROLLBACK');
    reader.release();
  }
  expect(await applied()).toEqual(MIGRATIONS);
});

it('waits for a deployment, and a deployment waits for it', async () => {
  const other = await database.pool.connect();
  await other.query('SELECT pg_advisory_lock(72707369)');
  const going = goDown([TARGET]);
  const waiting = async () =>
    (
      await sql(`SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()`)
    ).length;
  await until('it waits', async () => (await waiting()) === 1);
  const deploying = deploy();
  await until('the deployment waits too', async () => (await waiting()) === 2);
  expect(await applied()).toEqual(MIGRATIONS);
  await other.query('SELECT pg_advisory_unlock(72707369)');
  other.release();
  expect(await going).toMatchObject({ code: 0, errors: expect.stringContaining('Another process migrates') });
  expect(await deploying).toBe(0);
  expect(await applied()).toEqual(MIGRATIONS);
});

it('says what is wrong with DATABASE_URL', async () => {
  const run = await runHere(createDownCommand(), [TARGET], {
    DATABASE_URL: 'postgresql://someone:secret-word@127.0.0.1:1/x',
  });
  expect(run).toMatchObject({ code: 1, errors: expect.stringContaining('refuses the connection') });
  expect(run.errors).not.toContain('secret-word');
});
