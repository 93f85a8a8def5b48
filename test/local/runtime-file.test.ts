import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { openHome } from '../../ops/local/home';
import { keepSettings } from '../../ops/local/kept-settings';
import { isAlive } from '../../ops/local/process-identity';
import { endLeftovers, RuntimeFile } from '../../ops/local/runtime-file';
import { ownFolder } from './folder';

const URLS = {
  api: 'http://127.0.0.1:8000',
  temporal: 'grpc://127.0.0.1:7233',
  temporalUi: 'http://127.0.0.1:8233',
  database: 'postgresql://127.0.0.1:5432/countersign',
  redis: null,
  smtp: 'smtp://127.0.0.1:1025',
  mailbox: 'http://127.0.0.1:8025',
  metrics: 'http://127.0.0.1:9464/metrics',
};

function aProcess() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  return { pid: child.pid as number, ended: once(child, 'exit') };
}

test('the runtime file tells addresses and processes, and only its owner reads it', async () => {
  const home = openHome(ownFolder());
  const runtime = new RuntimeFile(home);
  const { pid, ended } = aProcess();
  runtime.tell(URLS);
  runtime.began('redis', pid);
  const file = home.file('runtime.json');
  const read = () => JSON.parse(readFileSync(file, 'utf8'));
  expect(read()).toEqual({ ...URLS, pids: { supervisor: process.pid, redis: pid } });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  process.kill(pid, 'SIGKILL');
  await ended;
  runtime.ended('redis', pid);
  expect(read().pids).toEqual({ supervisor: process.pid });
});

test('what a killed supervisor left running is ended', async () => {
  const home = openHome(ownFolder());
  const { pid, ended } = aProcess();
  new RuntimeFile(home).began('temporal', pid);
  await endLeftovers(home);
  await ended;
  expect(isAlive(pid)).toBe(false);
});

test('a process that has got the number of a leftover is left alone', async () => {
  const home = openHome(ownFolder());
  const { pid, ended } = aProcess();
  writeFileSync(home.file('processes.json'), JSON.stringify([{ name: 'temporal', pid, identity: 'another one' }]));
  await endLeftovers(home);
  expect(isAlive(pid)).toBe(true);
  process.kill(pid, 'SIGKILL');
  await ended;
});

test('secrets are made once and only their owner reads them', () => {
  const home = openHome(ownFolder());
  const made = keepSettings(home);
  expect(keepSettings(home)).toEqual(made);
  expect(Buffer.from(made.SECRET_KEY, 'base64')).toHaveLength(32);
  expect(statSync(home.file('settings.json')).mode & 0o777).toBe(0o600);
});
