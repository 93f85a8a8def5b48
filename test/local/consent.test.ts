// `npm start` installs system packages only if it may, and says so.
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { newFolder } from '../support/environment';

const SCRIPT = pathToFileURL(join(PACKAGE_ROOT, 'ops', 'consent.mjs')).href;

function pathWith(...programs: string[]): string {
  const folder = newFolder('programs');
  for (const name of programs) {
    writeFileSync(join(folder, name), '#!/bin/sh\nexit 1\n');
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

interface Asked {
  path: string;
  isRoot?: boolean;
  env?: Record<string, string>;
  args?: string[];
  /** What a person types; without it there is no terminal. */
  typed?: string;
}

function ask({ path, isRoot = false, env = {}, args = [], typed }: Asked): { answer: string; said: string } {
  const code = `
    import { PassThrough } from 'node:stream';
    import { askToInstall } from ${JSON.stringify(SCRIPT)};
    const [input, output] = [new PassThrough(), new PassThrough()];
    input.isTTY = output.isTTY = ${typed !== undefined};
    let said = '';
    output.on('data', (text) => { said += text; });
    input.end(${JSON.stringify(`${typed ?? ''}\n`)});
    const answer = await askToInstall({ args: ${JSON.stringify(args)}, env: ${JSON.stringify({ PATH: path, ...env })}, isRoot: ${isRoot}, input, output });
    console.log(JSON.stringify({ answer, said }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  if (stderr) throw new Error(stderr);
  return JSON.parse(stdout);
}

const lacking = () => pathWith('apt-get', 'sudo');

it.each([
  ['y', 'yes'],
  ['yes', 'yes'],
  ['n', 'no'],
  ['', 'no'],
])('asks a person who is not root, and takes %j for %s', (typed, answer) => {
  const asked = ask({ path: lacking(), typed });
  expect(asked.answer).toBe(answer);
  expect(asked.said).toMatch(/redis-server {2}Redis: limits[\s\S]*pgbackrest {4}pgBackRest: backups/);
  expect(asked.said).toContain('sudo apt-get install redis-server pgbackrest? [y/N]');
});

it('asks only for what is missing, and nothing if nothing is, or if it could not be installed', () => {
  const partly = ask({ path: pathWith('apt-get', 'sudo', 'redis-server'), typed: 'y' });
  expect(partly.said).toContain('apt-get install pgbackrest?');
  for (const path of [
    pathWith('apt-get', 'sudo', 'redis-server', 'pgbackrest'),
    pathWith('sudo'),
    pathWith('apt-get'),
  ]) {
    expect(ask({ path, typed: 'n' })).toEqual({ answer: 'yes', said: '' });
  }
});

it.each([
  ['as root', { isRoot: true }],
  ['in CI', { env: { CI: 'true' } }],
  ['where the setting allows it', { env: { COUNTERSIGN_INSTALL: 'yes' } }],
])('installs without a question %s, and says so', (_where, given) => {
  const { answer, said } = ask({ path: lacking(), ...given });
  expect([answer, said]).toEqual(['yes', expect.stringContaining('Installing redis-server and pgbackrest by apt')]);
});

it.each([
  ['--no-install', { args: ['--no-install'], isRoot: true }],
  ['COUNTERSIGN_INSTALL=no', { env: { COUNTERSIGN_INSTALL: 'no' }, isRoot: true }],
])('installs nothing with %s', (_how, given) => {
  expect(ask({ path: lacking(), ...given })).toEqual({ answer: 'no', said: '' });
});

it('installs nothing where nobody can be asked, and says what is missing', () => {
  const { answer, said } = ask({ path: lacking() });
  expect(answer).toBe('no');
  expect(said).toContain('COUNTERSIGN_INSTALL=yes installs them');
});
