// docs/production.md, step by step, on a PostgreSQL of its own and for a role that is no superuser.
import { execFile } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Finding } from '../../ops/check/finding';
import { findPgBackRest } from '../../ops/local/binaries/pgbackrest';
import { findPostgres } from '../../ops/local/binaries/postgres';
import { pointTo } from '../../ops/local/clusters';
import { startPostgres } from '../../ops/local/postgres';
import { archiveCommand } from '../../ops/pgbackrest/pgbackrest';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { ADMIN_PASSWORD, newFolder, testEnvironment } from '../support/environment';
import { TestMailServer } from '../support/mail-server';
import { OwnServer } from '../support/own-server';
import { type Environment, ServiceProcess } from '../support/processes';
import { pauseBackups } from '../support/schedules';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';

jest.setTimeout(600_000);

const page = readFileSync(join(PACKAGE_ROOT, 'docs', 'production.md'), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text.trim());
const commands = blocks('sh').flatMap((text) => text.split('\n'));
const PASSWORD = 'change-me';

let server: OwnServer;
let temporal: TestNamespace;
let mail: TestMailServer;
let settings: Environment;
let env: NodeJS.ProcessEnv;
const processes: ServiceProcess[] = [];

beforeAll(async () => {
  const program = await findPgBackRest();
  if (!program) throw new Error('pgBackRest is not installed');
  server = await OwnServer.start((options) => {
    // Passed through by the cluster's own user.
    chmodSync(options.folder, 0o711);
    return startPostgres({ ...options, archiveCommand: archiveCommand(program, options.folder) });
  }, 'production');
  pointTo(server.folder, 'data');
  [temporal, mail] = await Promise.all([createTestNamespace(), TestMailServer.start()]);
  await pauseBackups(temporal.client);
  const { hostname, port, password } = new URL(server.url);
  settings = await testEnvironment({
    DATABASE_URL: `postgresql://countersign:${PASSWORD}@${hostname}:${port}/countersign`,
    TEMPORAL_NAMESPACE: temporal.namespace,
    SMTP_URL: mail.url,
    POSTGRES_HOME: server.folder,
    BACKUP_PASSPHRASE: 'a passphrase for the backups of the tests',
  });
  const { bin } = await findPostgres(null);
  env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: process.env.HOME,
    COUNTERSIGN_ENV_FILE: join(newFolder('production-settings'), '.env'),
    ADMIN_PASSWORD,
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: 'postgres',
    PGPASSWORD: password,
  };
});
afterAll(async () => {
  for (const one of processes) await one.kill();
  await mail?.away();
  await temporal?.close();
  await server?.stop();
});

/** A command of the page, as it stands there. */
function carryOut(beginning: string, changes: Record<string, string> = {}): Promise<{ stdout: string }> {
  const written = commands.find((one) => one.startsWith(beginning));
  if (!written) throw new Error(`docs/production.md has no command that begins with ${beginning}`);
  const command = Object.entries(changes).reduce((text, [from, to]) => text.replace(from, to), written);
  return promisify(execFile)('sh', ['-c', command], { cwd: PACKAGE_ROOT, env });
}

async function check(): Promise<{ status: string; findings: Finding[] }> {
  const { stdout } = await carryOut('npm run check', { 'npm run check': 'npm run --silent check -- --json' });
  return JSON.parse(stdout);
}
const notWell = (findings: Finding[]) =>
  findings.filter(({ status }) => status !== 'ok').map(({ check: what, status }) => `${status} ${what}`);

it('2: makes the roles and grants the rights', async () => {
  const [sql = ''] = blocks('sql');
  expect(sql).toContain(PASSWORD);
  const client = new pg.Client({ connectionString: `${server.url}/postgres` });
  await client.connect();
  for (const statement of sql.split('\n')) await client.query(statement);
  const grants = commands.filter((one) => one.includes('grants.sql'));
  expect(grants).toHaveLength(2);
  for (const command of grants) expect((await carryOut(command)).stdout.trim()).toBe('DO');
  const { rows } = await client.query(`SELECT rolsuper FROM pg_roles WHERE rolname = 'countersign'`);
  expect(rows).toEqual([{ rolsuper: false }]);
  await client.end();
});

it('3: keeps the settings in one file', async () => {
  const file = env.COUNTERSIGN_ENV_FILE as string;
  await carryOut('cp .env.example', { ' .env': ` ${file}` }).catch(() => {});
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(''),
  );
  await carryOut('chmod 600', { '.env': file });
});

it('4: migrates, and finds nothing that has failed', async () => {
  const before = await check().catch((error: { stdout: string; code: number }) => ({
    code: error.code,
    ...JSON.parse(error.stdout),
  }));
  expect([before.code, before.status]).toEqual([1, 'failed']);
  expect(notWell(before.findings)).toContain('failed PostgreSQL: migrations');
  await carryOut('npm run migrate');
  const { status, findings } = await check();
  expect([status, notWell(findings)]).toEqual([
    'ok',
    [
      // The worker sees to it.
      'warning Temporal: namespace',
      'warning Mail: sender',
      'warning BACKUP_URL: place',
      'warning Backups: archiving',
      'warning Restores: POSTGRES_START',
    ],
  ]);
});

it('5: becomes ready', async () => {
  for (const [name, script] of [
    ['worker', 'worker/main.js'],
    ['api', 'api/main.js'],
  ] as const)
    processes.push(ServiceProcess.start(name, script, { COUNTERSIGN_ENV_FILE: env.COUNTERSIGN_ENV_FILE as string }));
  const ready = () =>
    carryOut('curl -s http://127.0.0.1:8000/ready', { 'curl -s': 'curl -sf', 8000: settings.PORT as string });
  await until('it is ready', () => ready().then(Boolean, () => false));
  const tools = () =>
    carryOut('curl -s http://127.0.0.1:8000/api/ops/drills', {
      'curl -s': 'curl -sf',
      drills: 'backups',
      8000: settings.PORT as string,
    });
  await until('the worker has the tools', () => tools().then(Boolean, () => false));
});

it('7: makes the first backup, and proves it by the first drill', async () => {
  expect((await carryOut('ops/backup.sh')).stdout).toMatch(/is done/);
  const drills = (start: string) => carryOut(start, { 8000: settings.PORT as string });
  await drills('curl -s -X POST http://127.0.0.1:8000/api/ops/drills');
  await until(
    'the drill has proven it',
    async () => (await drills('curl -s http://127.0.0.1:8000/api/ops/drills')).stdout.includes('"PROVEN"'),
    300_000,
  );
  const findings = await until(
    'the worker has seen a segment arrive',
    async () => {
      const now = (await check()).findings;
      return notWell(now).some((line) => line.endsWith('archiving')) ? null : now;
    },
    120_000,
  );
  expect(notWell(findings)).toEqual([
    'warning Mail: sender',
    'warning BACKUP_URL: place',
    'warning Restores: POSTGRES_START',
  ]);
});
