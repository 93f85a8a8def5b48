// The states of a breaker while Temporal retries the lane's activity, which the test plays.
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { laneId, MAIL_LANE } from '../../workflows/contracts/lane';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { PlayedLane } from '../support/lane-activity';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { workflowBundle } from '../support/workflow-bundle';
import { TestApi } from './test-api';

let temporal: TestNamespace;
let api: TestApi;
let workers: Worker[];
let running: Promise<unknown>;
const lane = new PlayedLane();
beforeAll(async () => {
  temporal = await createTestNamespace();
  api = await TestApi.create({ temporal });
  const shared = { connection: await temporal.nativeConnection(), namespace: temporal.namespace };
  workers = [
    await Worker.create({ ...shared, taskQueue: TASK_QUEUES.processes, workflowBundle: workflowBundle() }),
    await Worker.create({ ...shared, taskQueue: TASK_QUEUES.email, activities: lane.activities }),
  ];
  running = Promise.all(workers.map((worker) => worker.run()));
});
afterAll(async () => {
  for (const attempt of lane.attempts) attempt.stop();
  for (const worker of workers ?? []) worker.shutdown();
  await running;
  await api?.close();
  await temporal?.close();
});

const email = async () => (await api.anyone.get('/api/circuit-breakers/status')).body.breakers.email;
const seen = (state: string) =>
  until(`it is ${state}`, async () => {
    const breaker = await email();
    return breaker.state === state ? breaker : null;
  });
const record = (failures: number) =>
  api.database.db.lane.update({ where: { name: MAIL_LANE }, data: { failures, lastError: 'ECONNREFUSED' } });
const AN_HOUR_MS = 3_600_000;

it('is open while Temporal waits for the next attempt, half open while that runs, and closed once it has worked', async () => {
  const handle = await temporal.client.workflow.start('mailDelivery', {
    workflowId: laneId(MAIL_LANE),
    taskQueue: TASK_QUEUES.processes,
    args: [{}],
  });
  const first = await lane.attempt(1);
  expect(await seen('closed')).toMatchObject({ source: 'temporal', nextAttemptAt: null, paused: false });

  await record(3);
  first.fail(
    ApplicationFailure.create({ type: 'ServiceTrouble', message: 'ECONNREFUSED', nextRetryDelay: AN_HOUR_MS }),
  );
  const open = await until('the next attempt is known', async () => {
    const breaker = await email();
    return breaker.nextAttemptAt === null ? null : breaker;
  });
  expect(open).toMatchObject({ state: 'open', failures: 3, lastError: 'ECONNREFUSED' });
  expect(Math.abs(Date.parse(open.nextAttemptAt) - Date.now() - AN_HOUR_MS)).toBeLessThan(60_000);

  expect((await api.admin.post('/api/circuit-breakers/reset/email')).status).toBe(200);
  const probe = await lane.attempt(2);
  expect(await seen('half_open')).toMatchObject({ nextAttemptAt: null, source: 'temporal' });

  await record(0);
  probe.finish('healed');
  await lane.attempt(3);
  expect(await seen('closed')).toMatchObject({ failures: 0, lastError: null });

  // A pause that is given in the Web UI is seen too, though no row knows of it.
  const actor = '0197a000-0000-7000-8000-000000000001';
  lane.attempts[2]?.stop();
  await temporal.client.workflow.getHandle(handle.workflowId).signal('pause', { actor });
  const paused = await until('it is paused', async () => {
    const breaker = await email();
    return breaker.paused ? breaker : null;
  });
  expect(paused).toMatchObject({ pausedBy: actor, pausedSince: expect.any(String) });
});
