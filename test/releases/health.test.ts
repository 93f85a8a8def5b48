// The health gate, on processes that answer HTTP: a release is healthy only if each of its processes says so.
import { watchHealth } from '../../activities/releases/health';
import { parseMetrics } from '../../activities/releases/probes';
import type { ReleaseDriver, Running } from '../../ops/releases/driver';
import { SmallServer } from './small-server';

const VERSION = '1.3.0';
const SECONDS = 0.1;
/** Longer than a process of these tests is away that comes back. */
const UNHEALTHY_MS = 1_000;

const requests = (answered: number, failed = 0) =>
  [
    '# HELP countersign_http_request_duration_seconds Seconds',
    `countersign_http_request_duration_seconds_count{method="GET",route="/x",status="200"} ${answered - failed}`,
    `countersign_http_request_duration_seconds_count{method="GET",route="/x",status="500"} ${failed}`,
  ].join('\n');
const tasks = (nondeterministic: number) =>
  [
    `temporal_workflow_task_execution_failed{failure_reason="NonDeterminismError",task_queue="processes"} ${nondeterministic}`,
    'temporal_workflow_task_execution_failed{failure_reason="WorkflowError",task_queue="processes"} 7',
  ].join('\n');

let api: SmallServer;
let worker: SmallServer;
let older: SmallServer;
beforeAll(async () => {
  const start = (metrics: string, version = VERSION) => SmallServer.start({ version, ready: true, metrics });
  [api, worker, older] = await Promise.all([start(requests(0)), start(tasks(0)), start(tasks(0), '1.2.0')]);
});
afterAll(() => Promise.all([api, worker, older].map((server) => server?.stop())));
beforeEach(() => {
  api.answer({ version: VERSION, ready: true, metrics: requests(100, 1) });
  worker.answer({ ready: true, metrics: tasks(2) });
});

const all = (): Running => ({ api: [api.running], trial: [], workers: [worker.running] });

/** @param at what changes before a look, by its number: the first one measures, those between observe, the last one measures again */
function watch(running: () => Running = all, at: Record<number, () => unknown> = {}, seconds = SECONDS) {
  let [looks, change] = [0, undefined as unknown];
  const driver = {
    async running() {
      await change;
      return running();
    },
  } as ReleaseDriver;
  return watchHealth(driver, VERSION, {
    seconds,
    unhealthyMs: UNHEALTHY_MS,
    looksEachMs: 50,
    beat() {
      looks += 1;
      change = at[looks]?.();
    },
  });
}
const failure = (code: string, message = '') =>
  expect.objectContaining({ type: code, message: expect.stringContaining(message), nonRetryable: true });

it('calls a release healthy whose processes are ready, and counts what they answered meanwhile', async () => {
  const report = await watch(all, { 2: () => api.answer({ metrics: requests(150, 3) }) });
  expect(report).toEqual({ api: 1, workers: 1, requests: 50, errors: 2 });
});

it('leaves workers of another release out, which drain beside', async () => {
  older.answer({ ready: false });
  const running = () => ({ ...all(), workers: [older.running, worker.running] });
  expect(await watch(running)).toMatchObject({ workers: 1 });
});

it('bears a process that misses a look', async () => {
  await watch(all, { 2: () => worker.answer({ ready: false }), 5: () => worker.answer({ ready: true }) });
});

it.each([
  ['ready', { ready: false }, { ready: true }],
  ['to be measured', { metrics: null }, { metrics: requests(100, 1) }],
])('bears a process that is not %s at the first look', async (_what, before, after) => {
  api.answer(before);
  await watch(all, { 2: () => api.answer(after) });
});

it('watches for as long as it is asked to, and calls beat at each look', async () => {
  const begun = Date.now();
  await watch(all, {}, 1);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(1_000);
});

it.each([
  ['no API runs', () => ({ ...all(), api: [] }), 'not_running', 'No API of 1.3.0 runs'],
  ['no worker runs', () => ({ ...all(), workers: [] }), 'not_running', 'No worker of 1.3.0 runs'],
  ['only workers of another release run', () => ({ ...all(), workers: [older.running] }), 'not_running', 'No worker'],
])('fails if %s', async (_what, running, code, message) => {
  await expect(watch(running)).rejects.toEqual(failure(code, message));
});

it('fails if a process is not ready at the begin', async () => {
  api.answer({ ready: false });
  await expect(watch()).rejects.toEqual(failure('not_ready', '1.3.0'));
});

it('fails if a process stops being ready, and stays so', async () => {
  await expect(watch(all, { 2: () => worker.answer({ ready: false }) })).rejects.toEqual(failure('not_ready'));
});

it('fails if nobody answers at the address of a process', async () => {
  const gone = { ...worker.running, url: 'http://127.0.0.1:9' };
  await expect(watch(() => ({ ...all(), workers: [gone] }))).rejects.toEqual(failure('not_ready'));
});

it('fails if the API says that it is of another version', async () => {
  const running = () => ({ ...all(), api: [{ ...api.running, version: VERSION }] });
  api.answer({ version: '1.2.0' });
  await expect(watch(running)).rejects.toEqual(failure('other_version', 'it is 1.2.0, not 1.3.0'));
});

it.each([
  ['answers 404', null],
  ['is empty', ''],
  ['is no text of Prometheus', '<html>'],
])('fails if the page of metrics %s', async (_what, metrics) => {
  worker.answer({ metrics });
  await expect(watch()).rejects.toEqual(failure('no_metrics', 'METRICS_HOST'));
});

it('fails if the metrics can no longer be read at the end', async () => {
  await expect(watch(all, { 2: () => api.answer({ metrics: null }) })).rejects.toEqual(failure('no_metrics'));
});

it('fails if more than a twentieth of the requests end with a server error', async () => {
  const watched = watch(all, { 2: () => api.answer({ metrics: requests(160, 5) }) });
  await expect(watched).rejects.toEqual(failure('too_many_errors', '4 of 60 requests'));
});

it.each([
  ['two errors, though they are all of the requests', requests(102, 3)],
  ['a twentieth of the requests', requests(200, 6)],
  ['counters that begin again, since a process was replaced', requests(3, 0)],
])('bears %s', async (_what, metrics) => {
  await watch(all, { 2: () => api.answer({ metrics }) });
});

it('counts what a process could not continue after it was started again, and its counters with it', async () => {
  const watched = watch(all, { 2: () => worker.answer({ metrics: tasks(1) }) });
  await expect(watched).rejects.toEqual(failure('nondeterministic', '1 workflow task(s)'));
});

it('fails if a workflow task could not be continued, and only for that reason', async () => {
  const watched = watch(all, { 2: () => worker.answer({ metrics: tasks(3) }) });
  await expect(watched).rejects.toEqual(failure('nondeterministic', '1 workflow task(s)'));
});

it('bears one death of a process, and fails after two', async () => {
  await watch(all, { 2: () => worker.die() });
  const twice = watch(all, { 2: () => worker.die(), 3: () => api.die() });
  await expect(twice).rejects.toEqual(failure('processes_died', 'died 2 time(s)'));
});

describe("the reader of Prometheus's text format", () => {
  it('reads names, labels with escapes and values, and passes over comments and other lines', () => {
    const text = ['# TYPE a counter', 'a 1', 'b{x="1",y="a\\"b,c"} 2.5e3 1700000000000', '', 'nonsense'];
    expect(parseMetrics(text.join('\n'))).toEqual([
      { name: 'a', labels: {}, value: 1 },
      { name: 'b', labels: { x: '1', y: 'a\\"b,c' }, value: 2500 },
    ]);
  });
});
