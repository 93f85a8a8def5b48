// A database that can't be used, met by real processes at their start: one line with the setting and the remedy, and no secret.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { explainDatabaseTrouble, findDatabaseTrouble } from '../../ops/runtime/database-trouble';
import { databaseUrl, onServer } from '../support/database';
import { testEnvironment } from '../support/environment';
import { ServiceProcess } from '../support/processes';
import { testServers } from '../support/servers';
import { until } from '../support/until';

const ROOT = join(__dirname, '..', '..');
const name = `trouble_${randomBytes(6).toString('hex')}`;
const started: ServiceProcess[] = [];
let silent: Server;
let empty: string;
beforeAll(async () => {
  await onServer(testServers().postgres, `CREATE DATABASE ${name}`);
  empty = databaseUrl(testServers().postgres, name);
  silent = createServer(() => {}).listen(0, '127.0.0.1');
});
afterAll(async () => {
  for (const process of started) await process.kill();
  silent.close();
  await onServer(testServers().postgres, `DROP DATABASE ${name} WITH (FORCE)`);
});

function changed(change: (url: URL) => void): string {
  const url = new URL(empty);
  change(url);
  return url.href;
}
const wrongPassword = () => changed((url) => Object.assign(url, { password: 'canary' }));

async function start(process: 'api' | 'worker', DATABASE_URL: string): Promise<ServiceProcess> {
  const settings = { DATABASE_URL, SMTP_URL: 'smtp://127.0.0.1:9', TEMPORAL_NAMESPACE: 'default' };
  const environment = await testEnvironment({ ...settings, TEMPORAL_ADDRESS: '127.0.0.1:9' });
  const child = ServiceProcess.start(process, `${process}/main.js`, environment);
  started.push(child);
  return child;
}
function migrate(DATABASE_URL: string): Promise<{ code: number; errors: string }> {
  const env = { ...process.env, DATABASE_URL };
  return new Promise((resolve) => {
    execFile(process.execPath, ['prisma/cli.mjs', 'migrate', 'deploy'], { cwd: ROOT, env }, (error, _output, errors) =>
      resolve({ code: error ? Number(error.code) : 0, errors }),
    );
  });
}

describe('is explained in one sentence', () => {
  it.each([
    ['a wrong password', wrongPassword, true, 'refuses'],
    ['an unknown user', () => changed((url) => Object.assign(url, { username: 'nobody' })), true, 'refuses'],
    ['an unknown database', () => changed((url) => Object.assign(url, { pathname: '/nothing' })), true, 'create it'],
    ['TLS that the server lacks', () => `${empty}?sslmode=require`, true, 'TLS'],
    [
      'a refused connection',
      () => changed((url) => Object.assign(url, { port: '9' })),
      false,
      'refuses the connection',
    ],
    [
      'an unknown host',
      () => changed((url) => Object.assign(url, { hostname: 'db.invalid' })),
      false,
      'not known here',
    ],
    [
      'a server that is silent',
      () => changed((url) => Object.assign(url, { port: String((silent.address() as { port: number }).port) })),
      false,
      'does not answer',
    ],
    ['a database that was never migrated', () => empty, false, 'npm run migrate'],
  ])('%s', async (_title, url, isLasting, remedy) => {
    const trouble = await findDatabaseTrouble(url());
    expect(trouble).toEqual({ isLasting, message: expect.stringMatching(/^DATABASE_URL [^\n]{30,}\.$/) });
    expect(trouble?.message).toContain(remedy);
    expect(trouble?.message).not.toMatch(/canary|127\.0\.0\.1|invalid/);
  });

  it.each([
    ['no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption', /sslmode=require/],
    ['no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", SSL encryption', /pg_hba\.conf/],
    ['role "u" is not permitted to log in', /refuses/],
  ])('what the server says with 28000: %s', (message, remedy) => {
    expect(explainDatabaseTrouble(Object.assign(new Error(message), { code: '28000' })).message).toMatch(remedy);
  });

  it('is none where the database has every migration', async () => {
    const { postgres, template } = testServers();
    await onServer(postgres, `CREATE DATABASE ${name}_whole TEMPLATE ${template}`);
    expect(await findDatabaseTrouble(databaseUrl(postgres, `${name}_whole`))).toBeNull();
    await onServer(postgres, `DROP DATABASE ${name}_whole WITH (FORCE)`);
  });
});

it.each(['api', 'worker'] as const)('ends the %s with one line if only another setting can help', async (process) => {
  const child = await start(process, wrongPassword());
  expect(await until('it has ended', () => !child.running && { code: child.child.exitCode })).toEqual({ code: 1 });
  expect(child.log).toMatch(/^DATABASE_URL has a user name or password that PostgreSQL refuses[^\n]*\n$/);
});

it.each(['api', 'worker'] as const)(
  'leaves the %s waiting, after one line, if the database may come back',
  async (process) => {
    const child = await start(
      process,
      changed((url) => Object.assign(url, { port: '9' })),
    );
    const line = await until('it says so', () => {
      const log = existsSync(child.logFile) ? child.log : '';
      return log.split('\n').find((one) => one.includes('Database unavailable') && one.endsWith('}'));
    });
    expect(JSON.parse(line)).toMatchObject({
      trouble: expect.stringMatching(/^DATABASE_URL .* refuses the connection/),
    });
    expect(line).not.toContain('"at"');
    expect(child.running).toBe(true);
  },
);

it('ends the migrations with one line, instead of a code of Prisma', async () => {
  expect(await migrate(wrongPassword())).toEqual({
    code: 1,
    errors: expect.stringMatching(/^DATABASE_URL has a user name or password that PostgreSQL refuses[^\n]*\n$/),
  });
});
