// One `.env` for every command, as an operator runs them: with nothing else in the environment.
import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder, testEnvironment } from '../support/environment';
import { type Environment, ServiceProcess } from '../support/processes';
import { until } from '../support/until';

let database: TestDatabase;
let settings: Environment;
let file: string;
beforeAll(async () => {
  database = await createTestDatabase();
  const temporal = { TEMPORAL_NAMESPACE: 'default', TEMPORAL_ADDRESS: '127.0.0.1:9' };
  settings = await testEnvironment({ DATABASE_URL: database.url, SMTP_URL: 'smtp://127.0.0.1:9', ...temporal });
  file = write(Object.entries(settings).map(([name, value]) => `${name}='${value}'`));
});
afterAll(() => database?.drop());

function write(lines: string[]): string {
  const path = join(newFolder('env-file'), 'settings.env');
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o600);
  return path;
}

const COMMANDS: [string, string, string[]][] = [
  ['the API', 'node', ['dist/api/main.js']],
  ['the worker', 'node', ['dist/worker/main.js']],
  ['the migrations', 'node', ['prisma/cli.mjs', 'migrate', 'deploy']],
  ['migrate:down', 'node', ['dist/ops/migrations/down.js', '20261124000000_init', '--dry-run']],
  ['audit:verify', 'node', ['dist/ops/audit/verify.js']],
  ['audit:export', 'node', ['dist/ops/audit/export.js', '--out', '/dev/null/none']],
  ['ops/backup.sh', 'sh', ['ops/backup.sh', '--list']],
  ['ops/restore.sh', 'sh', ['ops/restore.sh', '--list']],
];

function run([, program, args]: [string, string, string[]], env: Environment) {
  const command = program === 'node' ? process.execPath : program;
  const bare = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env };
  return new Promise<{ code: number; output: string; errors: string }>((resolve) => {
    execFile(command, args, { cwd: PACKAGE_ROOT, env: bare }, (error, output, errors) =>
      resolve({ code: error ? Number(error.code) : 0, output, errors }),
    );
  });
}
const named = (name: string) => COMMANDS.find(([one]) => one === name) as (typeof COMMANDS)[number];

it.each(COMMANDS)('is read by %s, which ends with its faults', async (...command) => {
  const { code, errors } = await run(command, { COUNTERSIGN_ENV_FILE: write(['MAIL_FROM=Some One']) });
  expect(code).toBeGreaterThan(0);
  expect(errors).toMatch(/settings\.env has 1 fault\(s\):\n {2}line 1: MAIL_FROM must stand in single quotes/);
  expect(errors).not.toContain('    at ');
});

it('is all that the commands need', async () => {
  const env = { COUNTERSIGN_ENV_FILE: file };
  expect(await run(named('the migrations'), env)).toMatchObject({ code: 0 });
  expect(await run(named('migrate:down'), env)).toMatchObject({
    code: 0,
    output: expect.stringContaining('Would undo'),
  });
  expect(await run(named('audit:verify'), env)).toMatchObject({ code: 0, output: expect.stringContaining('is whole') });
  expect(await run(named('ops/backup.sh'), env)).toMatchObject({ code: 0 });
});

it('is all that the API needs, and what the environment has wins over it', async () => {
  const PORT = settings.METRICS_PORT as string;
  const api = ServiceProcess.start('api', 'api/main.js', { COUNTERSIGN_ENV_FILE: file, PORT, METRICS_PORT: '0' });
  await until('it is ready', () =>
    fetch(`http://127.0.0.1:${PORT}/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  expect(await api.stop()).toBe(0);
  expect(api.log).not.toContain('may read the secrets');
});
