// The image, built and run for real: migrations, API and worker as a user without rights, on a file system that they only read.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDatabase } from '../../ops/local/database';
import { freePort } from '../../ops/local/ports';
import { knownMigrations } from '../../ops/runtime/known-migrations';
import { testEnvironment } from '../support/environment';
import { TestMailServer } from '../support/mail-server';
import type { Environment } from '../support/processes';
import { testServers } from '../support/servers';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import type { Container } from './container';
import { giveTo, Image } from './image';

jest.setTimeout(1_800_000);

let image: Image;
let temporal: TestNamespace;
let mail: TestMailServer;
let environment: Environment;
const containers: Container[] = [];

beforeAll(async () => {
  [image, temporal, mail] = await Promise.all([Image.build(), createTestNamespace(), TestMailServer.start()]);
  environment = await testEnvironment({
    DATABASE_URL: await ensureDatabase(testServers().postgres, 'of_the_image'),
    TEMPORAL_NAMESPACE: temporal.namespace,
    SMTP_URL: mail.url,
    WORKER_PORT: String(await freePort()),
  });
  giveTo(image.config.User, ...[environment.FILES_URL, environment.BACKUP_URL].map((url = '') => fileURLToPath(url)));
});
afterAll(async () => {
  for (const one of containers) await one.remove();
  await mail?.away();
  await temporal?.close();
});

function start(name: string, command: string[]): Container {
  const container = image.start(name, command, environment, testServers().folder);
  containers.push(container);
  return container;
}

const answers = async (port: string | undefined, path: string) =>
  (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null))?.status === 200;

it('holds what runs and nothing else', () => {
  const app = join(image.root, 'app');
  expect(readdirSync(app).sort()).toEqual([
    'LICENSE',
    'dist',
    'node_modules',
    'ops',
    'package.json',
    'prisma',
    'prisma.config.ts',
  ]);
  const tools = ['@biomejs/biome', '@temporalio/testing', 'jest', 'supertest', 'tsx'];
  expect(tools.filter((name) => existsSync(join(app, 'node_modules', name)))).toEqual([]);
  expect(readdirSync(join(app, 'node_modules/@temporalio/core-bridge/releases'))).toHaveLength(1);
  // Neither settings of npm nor a home of its own were left by the build.
  expect(existsSync(join(image.root, 'root/.npmrc'))).toBe(false);
  expect(statSync(join(app, 'dist/api/main.js')).uid).toBe(0);
});

it('migrates a new database, and again does nothing', async () => {
  const command = ['node', 'prisma/cli.mjs', 'migrate', 'deploy'];
  const first = start('migrate', command);
  expect([await first.ended, first.output]).toEqual([0, expect.stringContaining(knownMigrations().at(-1) as string)]);
  const second = start('migrate-again', command);
  expect([await second.ended, second.output]).toEqual([0, expect.stringContaining('No pending migrations')]);
});

it.each([
  ['api', 'PORT'],
  ['worker', 'WORKER_PORT'],
])('the %s becomes ready without rights, and ends with 0 when it is asked to', async (name, portVariable) => {
  const port = environment[portVariable];
  const command = name === 'api' ? image.config.Cmd : ['node', `dist/${name}/main.js`];
  const container = start(name, command);
  await until(`the ${name} is ready: ${container.output}`, () => answers(port, '/ready'));
  expect(await answers(port, '/healthz')).toBe(true);

  const [kind, ...check] = image.config.Healthcheck.Test;
  expect(kind).toBe('CMD');
  await container.execute(...check);
  expect(await container.execute('id', '-u')).toBe('1000\n');
  expect(await container.execute('ops/restore.sh', '--help')).toContain('--adopt');
  const status = await container.execute('cat', '/proc/1/status');
  expect(status).toMatch(/^Name:\tnode$/m);
  expect(status).toMatch(/^CapEff:\t0+$/m);
  await expect(container.execute('touch', '/app/dist/api/main.js')).rejects.toThrow(
    /Read-only file system|Permission denied/,
  );
  await expect(container.execute('touch', '/etc/written')).rejects.toThrow(/Read-only file system/);

  expect(await container.stop()).toBe(0);
  expect(await answers(port, '/healthz')).toBe(false);
});

it('says that a process that does not run is not well', async () => {
  const idle = start('idle', ['sleep', '600']);
  await until('it runs', () =>
    idle.execute('true').then(
      () => true,
      () => false,
    ),
  );
  await expect(idle.execute(...image.config.Healthcheck.Test.slice(1))).rejects.toMatchObject({ code: 1 });
});
