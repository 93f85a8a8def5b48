// The health gate, on processes that answer HTTP: a release is healthy only if each of its processes says so.
import { watchHealth } from '../../activities/releases/health';
import { parseMetrics } from '../../activities/releases/probes';
import type { ReleaseDriver, Running } from '../../ops/releases/driver';
import { until } from '../support/until';
import { SmallServer } from './small-server';

const VERSION = '1.3.0';
/** It looks twice a second. */
const SECONDS = 1;
/** Longer than a process of these tests is away that comes back. */
const UNHEALTHY_MS = 1_500;

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

/** @param during is called once its metrics have been read the first time */
async function watch(running: () => Running = all, during: () => unknown = () => {}, seconds = SECONDS) {
  let beats = 0;
  const driver = { running: async () => running() } as ReleaseDriver;
  const watched = watchHealth(driver, VERSION, { seconds, unhealthyMs: UNHEALTHY_MS, beat: () => void beats++ });
  watched.catch(() => {});
  const isWatched = until('it is watched', () => beats > 1).then(during);
  await Promise.race([watched, isWatched]).catch(() => {});
  return watched;
}
const failure = (code: string, message = '') =>
  expect.objectContaining({ type: code, message: expect.stringContaining(message), nonRetryable: true });

it('calls a release healthy whose processes are ready, and counts what they answered meanwhile', async () => {
  const report = await watch(all, () => api.answer({ metrics: requests(150, 3) }));
  expect(report).toEqual({ api: 1, workers: 1, requests: 50, errors: 2 });
});

it('leaves workers of another release out, which drain beside', async () => {
  older.answer({ ready: false });
  const running = () => ({ ...all(), workers: [older.running, worker.running] });
  expect(await watch(running)).toMatchObject({ workers: 1 });
});

it('bears a process that is back in time', async () => {
  await watch(all, async () => {
    worker.answer({ ready: false });
    setTimeout(() => worker.answer({ ready: true }), 600);
  });
});

it('watches for as long as it is asked to, and calls beat at each look', async () => {
  const begun = Date.now();
  await watch(all, () => {}, 2);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(2_000);
});

it.each([
  ['no API runs', () => ({ ...all(), api: [] }), 'not_running', 'No API of 1.3.0 runs'],
  ['no worker runs', () => ({ ...all(), workers: [] }), 'not_running', 'No worker of 1.3.0 runs'],
  ['only workers of another release run', () => ({ ...all(), workers: [older.running] }), 'not_running', 'No worker'],
])('fails if %s', async (_what, running, code, message) => {
  await expect(watch(running)).rejects.toEqual(failure(code, message));
});

it('fails if a process is not ready at the begin, and stays so', async () => {
  api.answer({ ready: false });
  await expect(watch()).rejects.toEqual(failure('not_ready', '1.3.0'));
});

it('fails if a process stops being ready, and stays so', async () => {
  await expect(watch(all, () => worker.answer({ ready: false }))).rejects.toEqual(failure('not_ready'));
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
  await expect(watch(all, () => api.answer({ metrics: null }))).rejects.toEqual(failure('no_metrics'));
});

it('fails if more than a twentieth of the requests end with a server error', async () => {
  const watched = watch(all, () => api.answer({ metrics: requests(160, 5) }));
  await expect(watched).rejects.toEqual(failure('too_many_errors', '4 of 60 requests'));
});

it.each([
  ['two errors, though they are all of the requests', requests(102, 3)],
  ['a twentieth of the requests', requests(200, 6)],
  ['counters that begin again, since a process was replaced', requests(3, 0)],
])('bears %s', async (_what, metrics) => {
  await watch(all, () => api.answer({ metrics }));
});

it('fails if a workflow task could not be continued, and only for that reason', async () => {
  const watched = watch(all, () => worker.answer({ metrics: tasks(3) }));
  await expect(watched).rejects.toEqual(failure('nondeterministic', '1 workflow task(s)'));
});

it('bears one death of a process, and fails after two', async () => {
  await watch(all, () => worker.die());
  const twice = watch(
    all,
    async () => {
      await worker.die();
      await api.die();
    },
    2,
  );
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
