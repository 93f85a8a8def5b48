// Takes each migration up, down and up again on the schema that the one before has left.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { ensureDatabase } from '../../ops/local/database';
import { readShape, type Shape } from '../../ops/migrations/shape';
import { knownMigrations } from '../../ops/runtime/known-migrations';
import { PACKAGE_ROOT, VERSION } from '../../ops/runtime/package-root';
import { onServer } from '../support/database';
import { newFolder } from '../support/environment';
import { readSchema } from '../support/schema-dump';
import { testServers } from '../support/servers';
import { findBreakingChanges, findContractFault } from './breaking-changes';

const FOLDER = join(PACKAGE_ROOT, 'prisma', 'migrations');
const MIGRATIONS = knownMigrations();
const read = (name: string, file: string) => readFileSync(join(FOLDER, name, file), 'utf8');

interface Walked {
  schemas: { before: string; up: string; down: string; upAgain: string };
  shapes: { before: Shape; up: Shape };
}

let name: string;
let url: string;
let client: pg.Client;

beforeAll(async () => {
  name = `each_migration_${randomBytes(6).toString('hex')}`;
  url = await ensureDatabase(testServers().postgres, name);
  client = new pg.Client({ connectionString: url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await onServer(testServers().postgres, `DROP DATABASE ${name} WITH (FORCE)`);
});

async function apply(sql: string): Promise<{ schema: string; shape: Shape }> {
  await client.query(sql);
  return { schema: await readSchema(url), shape: await readShape(client) };
}

describe('each migration', () => {
  const walked = new Map<string, Walked>();
  beforeAll(async () => {
    let before = await apply('SELECT 1');
    for (const migration of MIGRATIONS) {
      const up = await apply(read(migration, 'migration.sql'));
      const down = await apply(read(migration, 'down.sql'));
      const upAgain = await apply(read(migration, 'migration.sql'));
      walked.set(migration, {
        schemas: { before: before.schema, up: up.schema, down: down.schema, upAgain: upAgain.schema },
        shapes: { before: before.shape, up: up.shape },
      });
      before = upAgain;
    }
  });
  const walk = (migration: string) => walked.get(migration) as Walked;

  it.each(MIGRATIONS)('%s leaves no trace when it is undone, and is the same when it is applied again', (migration) => {
    const { before, up, down, upAgain } = walk(migration).schemas;
    expect(down).toBe(before);
    expect(upAgain).toBe(up);
  });

  it.each(MIGRATIONS)('%s has SQL that undoes it', (migration) => {
    expect(read(migration, 'down.sql').trim()).not.toBe('');
  });

  it('makes the tables that the comparison sees', () => {
    const { before, up } = walk(MIGRATIONS[0] as string).schemas;
    expect([before, up].map((schema) => schema.includes('CREATE TABLE public.drafts'))).toEqual([false, true]);
  });

  it.each(MIGRATIONS)('%s breaks nothing that the release before it uses', (migration) => {
    const { before, up } = walk(migration).shapes;
    expect(findContractFault(join(FOLDER, migration), findBreakingChanges(before, up), VERSION)).toBeNull();
  });
});

describe('a change that breaks the release before it', () => {
  beforeEach(() => client.query('BEGIN; CREATE TABLE pairs (id int PRIMARY KEY, one varchar(10), two int NOT NULL)'));
  afterEach(() => client.query('ROLLBACK'));

  async function breaksBy(sql: string): Promise<string[]> {
    const before = await readShape(client);
    await client.query(sql);
    return findBreakingChanges(before, await readShape(client));
  }

  it.each([
    ['DROP TABLE pairs', 'drops table pairs'],
    ['DROP TABLE pairs; CREATE TABLE pairs (id int PRIMARY KEY, one varchar(10), two int)', 'drops table pairs'],
    ['ALTER TABLE pairs RENAME TO couples', 'renames table pairs'],
    ['ALTER TABLE pairs DROP COLUMN one', 'drops column pairs.one'],
    ['ALTER TABLE pairs DROP COLUMN one, ADD COLUMN one varchar(10)', 'drops column pairs.one'],
    ['ALTER TABLE pairs RENAME COLUMN one TO first', 'renames column pairs.one'],
    ['ALTER TABLE pairs ALTER COLUMN two TYPE bigint', 'rewrites the type of pairs.two'],
    ['ALTER TABLE pairs ADD COLUMN three int NOT NULL', 'adds NOT NULL without a default as pairs.three'],
    ['ALTER TABLE pairs ALTER COLUMN one SET NOT NULL', 'forbids NULL in pairs.one'],
    ["ALTER TABLE pairs ALTER COLUMN one SET NOT NULL, ALTER COLUMN one SET DEFAULT ''", 'forbids NULL in pairs.one'],
    ["DO $$ BEGIN EXECUTE 'ALTER TABLE pairs DROP ' || 'COLUMN one'; END $$", 'drops column pairs.one'],
  ])('is found in: %s', async (sql, change) => {
    expect(await breaksBy(sql)).toEqual([change]);
  });

  it.each([
    'CREATE TABLE more (id int PRIMARY KEY, one text NOT NULL); ALTER TABLE more RENAME TO others',
    'ALTER TABLE pairs ADD COLUMN three int',
    'ALTER TABLE pairs ADD COLUMN three int NOT NULL DEFAULT 3',
    'ALTER TABLE pairs ADD COLUMN three int GENERATED ALWAYS AS IDENTITY',
    'ALTER TABLE pairs ADD COLUMN three timestamptz NOT NULL DEFAULT clock_timestamp()',
    'ALTER TABLE pairs ALTER COLUMN one TYPE text',
    'ALTER TABLE pairs ALTER COLUMN two DROP NOT NULL',
    'CREATE INDEX ON pairs (one)',
    "SELECT 'DROP TABLE pairs'",
  ])('is not found in: %s', async (sql) => {
    expect(await breaksBy(sql)).toEqual([]);
  });

  it.each([
    ['nothing says that the old form is unused', null, '0.3.0', 'It drops column pairs.one. Keep the old form'],
    ['contract.md does not say since when', 'Nobody needs it.', '0.3.0', 'say so in contract.md'],
    ['the coming release stops using it', 'Unused since: 0.3.0\n', '0.3.0', 'Wait until 0.3.0 is released'],
    ['a later release will stop using it', 'Unused since: 0.10.0\n', '0.9.0', 'Wait until 0.10.0 is released'],
  ])('is refused where %s', (_, contract, version, fault) => {
    expect(findContractFault(folderWith(contract), ['drops column pairs.one'], version)).toContain(fault);
  });

  it.each(['0.2.0', '0.2.9'])('is allowed in 0.10.0 once %s does without the old form', (since) => {
    const folder = folderWith(`# Drops pairs.one\n\nUnused since: ${since}\n`);
    expect(findContractFault(folder, ['drops column pairs.one'], '0.10.0')).toBeNull();
  });
});

function folderWith(contract: string | null): string {
  const folder = join(newFolder('migration'), '20270101000000_drop_one');
  mkdirSync(folder);
  if (contract !== null) writeFileSync(join(folder, 'contract.md'), contract);
  return folder;
}
