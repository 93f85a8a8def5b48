// The API as the process that runs in production: how it starts, and how it ends.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { testEnvironment } from '../support/environment';
import { type Environment, ServiceProcess } from '../support/processes';
import { until } from '../support/until';

let database: TestDatabase;
let environment: Environment;
const started: ServiceProcess[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  const temporal = { TEMPORAL_NAMESPACE: 'default', TEMPORAL_ADDRESS: '127.0.0.1:9' };
  environment = await testEnvironment({ DATABASE_URL: database.url, SMTP_URL: 'smtp://127.0.0.1:9', ...temporal });
});
afterAll(async () => {
  for (const process of started) await process.kill();
  await database?.drop();
});

const url = (path: string) => `http://127.0.0.1:${environment.PORT}${path}`;
const isReady = () =>
  fetch(url('/ready')).then(
    ({ ok }) => ok,
    () => false,
  );

function start(changes: Environment = {}): ServiceProcess {
  const process = ServiceProcess.start('api', 'api/main.js', { ...environment, ...changes });
  started.push(process);
  return process;
}
const ended = (process: ServiceProcess) =>
  until('the process has ended', () => !process.running && { code: process.child.exitCode });

it('serves the API and, on a port of its own, metrics by route; ends in order when it is asked to', async () => {
  const api = start();
  await until('it is ready', isReady);
  expect((await fetch(url('/api/drafts/ada@example.org'))).status).toBe(401);
  const metrics = await (await fetch(`http://127.0.0.1:${environment.METRICS_PORT}/metrics`)).text();
  expect(metrics).toContain('route="/api/drafts/:id",status="401"');
  expect(metrics).toContain('countersign_db_connections{state="idle",process="api"}');
  expect(metrics).toContain('process_cpu_seconds_total');
  expect(metrics).not.toContain('ada@');
  expect((await fetch(url('/metrics'))).status).toBe(404);
  expect(await api.stop()).toBe(0);
  const said = api.log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).msg);
  expect(said.slice(-4)).toEqual([
    'Shutting down gracefully...',
    'Draining in-flight requests (30s timeout)',
    'Closing database connections...',
    'Shutdown complete',
  ]);
});

it('counts a request that fails while the database is away under its own route', async () => {
  const api = start({ DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/nothing' });
  const headers = { Authorization: 'Bearer cs_anything' };
  const answer = () => fetch(url('/api/drafts/0198c0de-0000-7000-8000-000000000001'), { headers }).catch(() => null);
  expect(await until('it answers', answer)).toMatchObject({ status: 503 });
  const metrics = await (await fetch(`http://127.0.0.1:${environment.METRICS_PORT}/metrics`)).text();
  expect(metrics).toContain('method="GET",route="/api/drafts/:id",status="503"');
  expect(metrics).not.toContain('unmatched');
  await api.kill();
});

/** Only on Linux is loopback a whole network: a server on every address answers at 127.0.0.2 too. */
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('the address that it listens on', () => {
  const elsewhere = (port?: string) => `http://127.0.0.2:${port}/health`;
  const answers = (address: string) =>
    fetch(address).then(
      () => true,
      () => false,
    );

  it('is loopback unless it is set, for metrics too', async () => {
    const api = start();
    await until('it is ready', isReady);
    expect(await answers(elsewhere(environment.PORT))).toBe(false);
    expect(await answers(elsewhere(environment.METRICS_PORT))).toBe(false);
    await api.kill();
  });

  it('is the one of HOST and METRICS_HOST', async () => {
    const api = start({ HOST: '0.0.0.0', METRICS_HOST: '127.0.0.2' });
    await until('it is ready', isReady);
    expect(await answers(elsewhere(environment.PORT))).toBe(true);
    expect(await answers(elsewhere(environment.METRICS_PORT))).toBe(true);
    expect(await answers(`http://127.0.0.1:${environment.METRICS_PORT}/metrics`)).toBe(false);
    await api.kill();
  });

  it('must be one of this machine', async () => {
    // Reserved for documentation (RFC 5737).
    const api = start({ HOST: '192.0.2.1' });
    expect(await ended(api)).toEqual({ code: 1 });
    expect(api.log).toContain('Correct HOST and METRICS_HOST');
  });
});

it('ends at once when it is asked a second time', async () => {
  const api = start();
  await until('it is ready', isReady);
  // A request that never sends its body keeps the drain waiting.
  const headers = { 'Content-Type': 'application/json', 'Content-Length': 10, Expect: '100-continue' };
  const pending = request(url('/api/auth/login'), { method: 'POST', headers });
  pending.flushHeaders();
  await once(pending, 'continue');
  const cutOff = once(pending, 'error');
  api.child.kill('SIGTERM');
  await until('it drains', () => api.log.includes('Draining'));
  api.child.kill('SIGTERM');
  expect(await ended(api)).toEqual({ code: 1 });
  expect(api.log).not.toContain('Shutdown complete');
  expect(await cutOff).toMatchObject([{ code: 'ECONNRESET' }]);
});

it('ends when the supervisor that started it is gone', async () => {
  const child = fork(join(__dirname, '..', '..', 'dist', 'api', 'main.js'), {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const exited = once(child, 'exit');
  await until('it is ready', isReady);
  child.disconnect();
  expect(await exited).toEqual([0, null]);
});

it('names every fault of its configuration, and a port that is taken', async () => {
  const faulty = start({ PORT: 'x', SMTP_URL: '' });
  expect(await ended(faulty)).toEqual({ code: 1 });
  expect(faulty.log).toMatch(/2 fault\(s\):\n {2}SMTP_URL .*\n {2}PORT /);
  const wrongProxy = start({ TRUST_PROXY: 'the nice one' });
  expect(await ended(wrongProxy)).toEqual({ code: 1 });
  expect(wrongProxy.log).toContain('TRUST_PROXY must be');
  const other = createServer().listen(Number(environment.PORT));
  await once(other, 'listening');
  const late = start();
  expect(await ended(late)).toEqual({ code: 1 });
  expect(late.log).toContain(`Port ${environment.PORT} is taken`);
  other.close();
});
