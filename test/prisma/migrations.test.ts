import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { knownMigrations } from '../../ops/runtime/known-migrations';
import { databaseUrl } from '../support/database';
import { newFolder } from '../support/environment';
import { oneOf } from '../support/one-of';
import { inLongRuns, isLongRun, testServers } from '../support/servers';
import { until } from '../support/until';

const ROOT = join(__dirname, '..', '..');
const FOLDER = join(ROOT, 'prisma', 'migrations');
const MIGRATIONS = knownMigrations();
const DIFF = ['migrate', 'diff', '--to-schema', 'prisma/schema.prisma', '--exit-code'];

interface Run {
  code: number;
  output: string;
}

function prisma(url: string, ...args: string[]): Promise<Run> {
  const env = { ...process.env, DATABASE_URL: url };
  return new Promise((resolve) => {
    execFile(process.execPath, ['prisma/cli.mjs', ...args], { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

async function onServer(statement: string): Promise<void> {
  const client = await connect(databaseUrl(testServers().postgres, 'postgres'));
  await client.query(statement).finally(() => client.end());
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

let url: string;
let client: pg.Client;
let name: string;

beforeEach(() => create());
afterEach(() => drop());

async function create(template = 'template1'): Promise<void> {
  name = `migrations_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  url = databaseUrl(testServers().postgres, name);
  client = await connect(url);
}
async function drop(): Promise<void> {
  await client.end();
  await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
}
/** As `migrate deploy` has left it. */
async function createMigrated(): Promise<void> {
  await drop();
  await create(testServers().template);
}

/** Everything of the project's that a database can hold, by name. */
async function contents(): Promise<string[]> {
  const { rows } = await client.query(`
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
    ORDER BY name`);
  return rows.map((row) => row.name).filter((one) => !one.startsWith('_prisma_migrations'));
}

/** For Prisma: the same schema and database, with a copy of the migrations. */
function createConfig(): { config: string; folder: string } {
  const root = newFolder('migrations');
  const folder = join(root, 'migrations');
  cpSync(FOLDER, folder, { recursive: true });
  const settings = { schema: join(ROOT, 'prisma/schema.prisma'), migrations: { path: folder }, datasource: { url } };
  const config = join(root, 'prisma.config.ts');
  writeFileSync(config, `export default ${JSON.stringify(settings)};`);
  return { config, folder };
}

async function deployTogether(): Promise<void> {
  const runs = await Promise.all(Array.from({ length: isLongRun ? 20 : 8 }, () => prisma(url, 'migrate', 'deploy')));
  expect(runs.filter(({ code }) => code !== 0)).toEqual([]);
  const { rows } = await client.query('SELECT migration_name FROM _prisma_migrations ORDER BY 1');
  expect(rows.map((row) => row.migration_name)).toEqual(MIGRATIONS);
}

async function waitingForLock(): Promise<number> {
  const { rows } = await client.query(
    `SELECT count(*)::int AS waiting FROM pg_locks
     WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return rows[0].waiting;
}

describe('the migrations', () => {
  inLongRuns('bring an empty database up, say so, and say it again the second time', async () => {
    expect((await prisma(url, 'migrate', 'status')).code).toBe(1);
    expect((await prisma(url, 'migrate', 'deploy')).code).toBe(0);
    expect(await prisma(url, 'migrate', 'status')).toMatchObject({
      code: 0,
      output: expect.stringContaining('Database schema is up to date'),
    });
    expect(await prisma(url, 'migrate', 'deploy')).toMatchObject({
      code: 0,
      output: expect.stringContaining('No pending migrations'),
    });
  });

  it('make exactly what the schema says', async () => {
    const fromMigrations = await prisma(url, ...DIFF, '--from-migrations', 'prisma/migrations');
    expect(fromMigrations).toMatchObject({ code: 0, output: expect.stringContaining('No difference detected') });
    await createMigrated();
    expect((await prisma(url, ...DIFF, '--from-config-datasource')).code).toBe(0);
  });

  inLongRuns('differ from the schema where a column is missing', async () => {
    await createMigrated();
    await client.query('ALTER TABLE drafts DROP COLUMN campaign CASCADE');
    const { code, output } = await prisma(url, ...DIFF, '--from-config-datasource');
    expect([code, output]).toEqual([2, expect.stringContaining('campaign')]);
  });

  const areAppliedOnce = oneOf(2);
  areAppliedOnce('are applied once each by many deployments of an empty database', deployTogether);
  areAppliedOnce('are applied once each by many deployments of a half-migrated database', async () => {
    const { config, folder } = createConfig();
    for (const late of MIGRATIONS.slice(MIGRATIONS.length / 2)) rmSync(join(folder, late), { recursive: true });
    expect((await prisma(url, 'migrate', 'deploy', '--config', config)).code).toBe(0);
    await deployTogether();
  });

  inLongRuns('wait for another deployment longer than the ten seconds of the engine', async () => {
    await client.query('SELECT pg_advisory_lock(72707369)');
    const deployed = prisma(url, 'migrate', 'deploy');
    await until('the deployment waits for the lock', async () => (await waitingForLock()) === 1);
    await client.query('SELECT pg_sleep(12)');
    expect(await waitingForLock()).toBe(1);
    await client.query('SELECT pg_advisory_unlock(72707369)');
    expect((await deployed).code).toBe(0);
  });

  it('that fail stop the deployment with the reason, and the next one too', async () => {
    const { config, folder } = createConfig();
    mkdirSync(join(folder, '99990101000000_faulty'));
    writeFileSync(join(folder, '99990101000000_faulty', 'migration.sql'), 'SELECT no_such_column;');
    const deploy = () => prisma(url, 'migrate', 'deploy', '--config', config);
    expect(await deploy()).toMatchObject({ code: 1, output: expect.stringContaining('no_such_column') });
    expect(await deploy()).toMatchObject({ code: 1, output: expect.stringContaining('P3009') });
  });

  it.each(['deploy', 'status', 'reset'])(
    'refuse ?schema= in `migrate %s`, which nothing here would look at',
    async (command) => {
      const { code, output } = await prisma(`${url}?schema=other`, 'migrate', command);
      expect([code, output]).toEqual([1, expect.stringContaining('?schema= is not supported')]);
      expect(await contents()).toEqual([]);
    },
  );

  it('fail loudly where no server answers, without repeating the password', async () => {
    const { code, output } = await prisma('postgresql://someone:secret-word@127.0.0.1:1/x', 'migrate', 'deploy');
    expect([code, output]).toEqual([
      1,
      expect.stringContaining('DATABASE_URL names a server that refuses the connection'),
    ]);
    expect(output).not.toContain('secret-word');
  });
});
