// `npm start` as somebody uses it: real servers in a copy of this clone, killed, started again, stopped.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../ops/local/ports';
import { isAlive } from '../../ops/local/process-identity';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { YIELDING } from '../../ops/runtime/priority';
import { REDIS_PREFIX } from '../../ops/runtime/redis';
import { noteEnd, noteStart } from '../support/leftovers.cjs';
import { testServers } from '../support/servers';
import { until } from '../support/until';
import { ownFolder } from './folder';

const NOT_COPIED = ['.git', '.countersign', 'node_modules', 'test', 'docs'];
const PROCESSES = ['supervisor', 'postgres', 'temporal', 'redis', 'mailbox', 'worker', 'api', 'releases'];
/** What `npm start` promises: after all its children were killed, and where everything is installed and built. */
const READY_AGAIN_MS = 60_000;
const SECOND_START_MS = 20_000;
const CHILDREN = PROCESSES.filter((name) => name !== 'supervisor');

const clone = join(ownFolder(), 'clone');
let environment: NodeJS.ProcessEnv;
let running: ChildProcess;
const noted = new Set<number>();

beforeAll(async () => {
  for (const name of readdirSync(PACKAGE_ROOT)) {
    if (!NOT_COPIED.includes(name)) cpSync(join(PACKAGE_ROOT, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(PACKAGE_ROOT, 'node_modules'), join(clone, 'node_modules'));
  // A production's settings in the same folder: were they read, nothing would start.
  writeFileSync(
    join(clone, '.env'),
    'DATABASE_URL=postgresql://127.0.0.1:9/production\nTEMPORAL_ADDRESS=127.0.0.1:9\nREDIS_URL=x\n',
  );
  const { PATH, HOME } = process.env;
  environment = { PATH, HOME, PORT: String(await freePort()), MAIL_FROM: 'outbox@countersign.example' };
  running = await start();
});

afterAll(async () => {
  await stop(running);
  for (const pid of noted) if (!isAlive(pid)) noteEnd(testServers().folder, pid);
});

/** Which of these files a program that waits for `/ready` found, the last time. */
let foundReady: string[] | null = null;
async function lookReady(): Promise<string[] | null> {
  const ready = await fetch(`http://127.0.0.1:${environment.PORT}/ready`).catch(() => null);
  return ready?.status === 200 ? ['keys.json', 'runtime.json'].filter((name) => existsSync(file(name))) : null;
}

/** Resolves once it is ready. */
async function start(withinMs?: number): Promise<ChildProcess> {
  const { child, said } = node('ops/start.mjs');
  foundReady = null;
  await until(
    'it is ready',
    async () => {
      if (child.exitCode !== null) throw new Error(said());
      foundReady ??= await lookReady();
      return foundReady && said().includes('npm run demo');
    },
    withinMs,
  ).catch(async (error) => {
    await stop(child);
    throw error;
  });
  for (const pid of Object.values<number>(runtime().pids)) note(pid);
  return child;
}

function node(script: string, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [script], {
    cwd: clone,
    env: { ...environment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  note(child.pid as number);
  return { child, said: () => output };
}

const groupOf = (pid: number) => Number(execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }));

async function runToEnd(script: string, env: NodeJS.ProcessEnv = {}): Promise<{ code: number | null; said: string }> {
  const { child, said } = node(script, env);
  await once(child, 'close');
  return { code: child.exitCode, said: said() };
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  return child.exitCode;
}

function note(pid: number): void {
  noted.add(pid);
  noteStart(testServers().folder, pid);
}

interface Read {
  source: string;
  items: number;
  findings: number;
}
const file = (name: string) => join(clone, '.countersign', name);
const runtime = () => JSON.parse(readFileSync(file('runtime.json'), 'utf8'));
const mails = () => readdirSync(file('mail')).filter((name) => name.endsWith('.eml'));
const mailText = (name: string) => readFileSync(file(join('mail', name)), 'utf8');
const filesThatSay = (folder: string, word: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(word));
// biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects.
async function asAdmin(method: string, path: string): Promise<{ status: number; body: any }> {
  const headers = { 'x-admin-token': JSON.parse(readFileSync(file('settings.json'), 'utf8')).ADMIN_PASSWORD };
  const response = await fetch(runtime().api + path, { method, headers });
  return { status: response.status, body: await response.json() };
}
/** What the service has there by itself lasts a minute. */
async function plantInRedis(): Promise<void> {
  const redis = new Redis(runtime().redis);
  await redis.set(`${REDIS_PREFIX}note`, 'of nobody');
  redis.disconnect();
}
const isReady = () =>
  fetch(`${runtime().api}/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

test('it tells what runs, to its owner alone, and the demo delivers a mail', async () => {
  const { pids, ...urls } = runtime();
  expect(Object.keys(urls).sort()).toEqual(
    ['api', 'database', 'mailbox', 'metrics', 'redis', 'smtp', 'temporal', 'temporalUi'].sort(),
  );
  expect(Object.keys(pids).sort()).toEqual([...PROCESSES].sort());
  expect(statSync(file('runtime.json')).mode & 0o777).toBe(0o600);
  // Ctrl-C reaches one group: that of the terminal.
  expect(PROCESSES.map((name) => groupOf(pids[name]))).toEqual(PROCESSES.map(() => pids.supervisor));
  const priorities = ['api', 'postgres', 'worker', 'temporal'].map((name) => getPriority(pids[name]));
  const own = getPriority();
  const below = Math.max(own, YIELDING);
  expect(priorities).toEqual([own, own, below, below]);
  expect(await runToEnd('ops/demo.mjs')).toEqual({ code: 0, said: expect.stringContaining('draft.sent') });
  expect(mails()).toHaveLength(1);
});

test('a person is erased from every file of it, and nobody else', async () => {
  const email = 'zoe@customer.example';
  expect(await runToEnd('ops/demo.mjs', { COUNTERSIGN_DEMO_TO: email })).toMatchObject({ code: 0 });
  expect(mails().filter((name) => mailText(name).includes(email))).toHaveLength(1);
  const others = mails().filter((name) => !mailText(name).includes(email));
  await plantInRedis();
  const { body: erasure } = await asAdmin('DELETE', `/api/gdpr/user/${encodeURIComponent(email)}?grace=PT0S`);
  const certified = async () => {
    const answer = await asAdmin('GET', `/api/gdpr/erasures/${erasure.requestId}/certificate`);
    return answer.status === 200 ? answer.body : null;
  };
  const { certificate } = await until('it is certified', certified);
  expect(mails()).toEqual(others);
  expect(certificate.stores).toContainEqual({ store: 'mailbox', erased: 1, anonymised: 0 });
  const read = certificate.scan.sources.map(({ source, items, findings }: Read) => [source, items > 0, findings]);
  expect(read).toEqual(['postgres', 'redis', 'objects', 'temporal', 'files'].map((source) => [source, true, 0]));
  // The same by other eyes: the whole folder but for the database, whose dead rows age out.
  const folders = ['logs', 'mail', 'files', 'backups', 'temporal', 'redis'].map((name) => file(name));
  expect(folders.filter((folder) => existsSync(folder))).toEqual(folders);
  for (const folder of folders) expect(filesThatSay(folder, email)).toEqual([]);
});

test('a second start in the same folder is refused and disturbs nothing', async () => {
  const before = runtime();
  const second = await runToEnd('ops/start.mjs');
  expect(second).toEqual({ code: 3, said: expect.stringContaining(`kill ${before.pids.supervisor}`) });
  expect(runtime()).toEqual(before);
});

test('every child that is killed is started again, ready within a minute, and the demo passes', async () => {
  const before = runtime().pids;
  for (const name of CHILDREN) process.kill(before[name], 'SIGKILL');
  await until(
    'all run again',
    async () => {
      const { pids } = runtime();
      return CHILDREN.every((name) => pids[name] && pids[name] !== before[name]) && (await isReady());
    },
    READY_AGAIN_MS,
  );
  for (const pid of Object.values<number>(runtime().pids)) note(pid);
  expect(await runToEnd('ops/demo.mjs')).toEqual({ code: 0, said: expect.stringContaining('The mail arrived') });
});

test('what a killed supervisor left is ended by the next start, which is ready within 20 s with the same data', async () => {
  const { pids } = runtime();
  process.kill(pids.supervisor, 'SIGKILL');
  await once(running, 'exit');
  const keys = readFileSync(file('keys.json'), 'utf8');
  running = await start(SECOND_START_MS);
  expect(PROCESSES.filter((name) => isAlive(pids[name]))).toEqual([]);
  expect(readFileSync(file('keys.json'), 'utf8')).toBe(keys);
});

test('a program that waits for readiness finds the keys and the addresses', () => {
  expect(foundReady).toEqual(['keys.json', 'runtime.json']);
});

test('stopped, it leaves no process and no runtime file', async () => {
  const { pids } = runtime();
  expect(await stop(running)).toBe(0);
  expect(PROCESSES.filter((name) => isAlive(pids[name]))).toEqual([]);
  expect(existsSync(file('runtime.json'))).toBe(false);
});

test('a supervisor whose starter has gone before it could hear of it ends', async () => {
  const supervisor = spawn(process.execPath, ['dist/ops/local/main.js'], {
    cwd: clone,
    env: environment,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
  });
  note(supervisor.pid as number);
  supervisor.disconnect();
  await until('it has ended', () => supervisor.exitCode !== null).finally(() => supervisor.kill());
  expect(existsSync(file('runtime.json'))).toBe(false);
});
