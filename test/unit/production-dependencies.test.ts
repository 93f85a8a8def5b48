// What `npm ci --omit=dev` installs: all that the built service loads, no tool of the tests, and nothing that reports home.
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';

const readJson = (file: string) => JSON.parse(readFileSync(join(PACKAGE_ROOT, file), 'utf8'));
const direct = Object.keys(readJson('package.json').dependencies);
const lock = readJson('package-lock.json').packages as Record<string, { dev?: boolean; resolved?: string }>;
const installed = Object.entries(lock)
  .filter(([path, { dev }]) => path !== '' && !dev)
  .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));

const TESTS_WITH = ['@temporalio/testing', '@biomejs/biome', '@swc/jest', 'jest', 'supertest', 'tsx'];
const REPORTS_HOME = /^@scarf\/|^swagger-ui-dist$|analytics|amplitude|mixpanel|posthog/;

/** `npm start` alone asks for it, on a clone with all dependencies and without Temporal. */
const EMBEDDED_ONLY = 'ops/local/binaries/temporal.js: @temporalio/testing';

const BUILT = join(PACKAGE_ROOT, 'dist');
const folders = ['activities', 'api', 'ops', 'prisma', 'worker', 'workflows'];
const files = folders.flatMap((folder) =>
  (readdirSync(join(BUILT, folder), { recursive: true }) as string[])
    .filter((file) => file.endsWith('.js') && !file.endsWith('workflow-bundle.js'))
    .map((file) => join(BUILT, folder, file)),
);
const packageOf = (name: string) => name.split('/', name.startsWith('@') ? 2 : 1).join('/');

it('holds no tool of the tests, no types of our own choice, and nothing that reports home', () => {
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter((name) => TESTS_WITH.includes(name) || REPORTS_HOME.test(name))).toEqual([]);
  expect(direct.filter((name) => name.startsWith('@types/'))).toEqual([]);
});

it('holds every package that the built service loads', () => {
  const missing = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\b(?:require|import)\("([^."][^"]*)"\)|\bimport\('([^.'][^']*)'\)/g)]
      .map(([, name = '', other = '']) => name || other)
      .filter((name) => !isBuiltin(name) && !direct.includes(packageOf(name)))
      .map((name) => `${relative(BUILT, file)}: ${name}`),
  );
  expect(missing).toEqual([EMBEDDED_ONLY]);
});

it('comes from whichever registry npm is set to', () => {
  expect(Object.values(lock).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});
