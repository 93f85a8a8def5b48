import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { mailDelivery } from '../../workflows';
import {
  claimed,
  type LaneInput,
  laneId,
  type OperatorCall,
  type Paused,
  pause,
  resume,
  retryNow,
  state,
} from '../../workflows/contracts/lane';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { PlayedLane } from '../support/lane-activity';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { workflowBundle } from '../support/workflow-bundle';

const ACTOR = '0197a000-0000-7000-8000-000000000001';
const NOTES = ['0197a000-0000-7000-8000-000000000002', '0197a000-0000-7000-8000-000000000003'] as const;

let temporal: TestNamespace;
let workers: Worker[];
let running: Promise<unknown>;
let lane: PlayedLane;

beforeAll(async () => {
  temporal = await createTestNamespace();
  const connection = await temporal.nativeConnection();
  const { namespace } = temporal;
  workers = [
    await Worker.create({
      connection,
      namespace,
      taskQueue: TASK_QUEUES.processes,
      workflowBundle: workflowBundle(),
    }),
    await Worker.create({
      connection,
      namespace,
      taskQueue: TASK_QUEUES.email,
      activities: { deliverMail: () => lane.activities.deliverMail() },
      defaultHeartbeatThrottleInterval: 100,
      maxHeartbeatThrottleInterval: 100,
    }),
  ];
  running = Promise.all(workers.map((worker) => worker.run()));
});
afterAll(async () => {
  for (const worker of workers ?? []) worker.shutdown();
  await running;
  await temporal?.close();
});

let nth = 0;
async function startLane(input: LaneInput = {}) {
  lane = new PlayedLane();
  return temporal.client.workflow.start(mailDelivery, {
    workflowId: `${laneId('email')}-${nth++}`,
    taskQueue: TASK_QUEUES.processes,
    args: [input],
  });
}
/** The workflow whatever its run. */
const current = (handle: { workflowId: string }) => temporal.client.workflow.getHandle(handle.workflowId);
const runIdOf = async (handle: { workflowId: string }) => (await current(handle).describe()).runId;

afterEach(async () => {
  for (const attempt of lane.attempts) attempt.stop();
  await temporal.client.workflow.getHandle(`${laneId('email')}-${nth - 1}`).terminate('the test is over');
});

describe('the mail lane', () => {
  it('goes on in a new run when its activity returns, and keeps what it last reported', async () => {
    const handle = await startLane();
    const first = await runIdOf(handle);
    await lane.attempt(1);
    const report = { due: 3, sent: 41, trouble: null };
    await handle.signal(claimed, { ids: 'AAAA', ...report });
    (await lane.attempt(1)).finish('idle');
    await lane.attempt(2);
    expect(await runIdOf(handle)).not.toBe(first);
    expect(await current(handle).query(state)).toMatchObject({ paused: null, report });
    expect(JSON.stringify(await current(handle).query(state))).not.toContain('AAAA');
  });

  it('tells an operator in its details what is due and what is wrong', async () => {
    const handle = await startLane();
    await lane.attempt(1);
    const trouble = {
      code: 'ECONNREFUSED',
      since: '2026-01-01T10:00:00.000Z',
      failures: 4,
      nextAttemptAt: '2026-01-01T10:00:08.000Z',
    };
    await handle.signal(claimed, { ids: '', due: 7, sent: 1, trouble });
    await until('the report is known', async () => (await handle.query(state)).report?.due === 7);
    const details = await handle.query<string>('__temporal_workflow_metadata').then(JSON.stringify);
    for (const word of ['7 due', 'ECONNREFUSED', '4 attempts', '10:00:08']) expect(details).toContain(word);
  });

  it('pauses only when its activity has stopped, and never has two at once', async () => {
    const handle = await startLane();
    const attempt = await lane.attempt(1);
    await handle.signal(pause, { actor: ACTOR, note: NOTES[0] });
    await until('the activity is asked to stop', () => attempt.cancelled);
    await handle.signal(resume, { actor: ACTOR });
    await handle.signal(pause, { actor: ACTOR, note: NOTES[1] });
    expect(lane.attempts).toHaveLength(1);
    attempt.stop();
    expect(await handle.query(state)).toMatchObject({ paused: { actor: ACTOR, note: NOTES[1] } });
    await handle.signal(resume, { actor: ACTOR });
    await lane.attempt(2);
    expect(lane.together).toBe(1);
  });

  it('stays, paused, when its activity was just failing as it was asked to stop', async () => {
    const handle = await startLane();
    const attempt = await lane.attempt(1);
    await handle.signal(pause, { actor: ACTOR, note: NOTES[0] });
    await until('the activity is asked to stop', () => attempt.cancelled);
    attempt.stop(ApplicationFailure.create({ message: 'trouble', type: 'ServiceTrouble', nextRetryDelay: '1 hour' }));
    await until('it has stopped', async () => ((await handle.describe()).raw.pendingActivities ?? []).length === 0);
    expect((await handle.describe()).status.name).toBe('RUNNING');
    expect((await handle.query(state)).paused?.note).toBe(NOTES[0]);
    await handle.signal(resume, { actor: ACTOR });
    await lane.attempt(2);
  });

  it('keeps who paused it first, and why', async () => {
    const handle = await startLane();
    (await lane.attempt(1)).stop();
    await handle.signal(pause, { actor: ACTOR, note: NOTES[0] });
    await handle.signal(pause, { actor: 'somebody-else', note: NOTES[1] });
    await until('the lane is paused', async () => (await handle.query(state)).paused !== null);
    expect((await handle.query(state)).paused).toMatchObject({
      actor: ACTOR,
      note: NOTES[0],
      since: expect.any(String),
    });
  });

  it('shows the actor and the note of a pause in its details', async () => {
    const handle = await startLane();
    (await lane.attempt(1)).stop();
    await handle.signal(pause, { actor: ACTOR, note: NOTES[0] });
    await until('the lane is paused', async () => (await handle.query(state)).paused !== null);
    const details = await handle.query<string>('__temporal_workflow_metadata').then(JSON.stringify);
    for (const word of [ACTOR, `GET /api/circuit-breakers/notes/${NOTES[0]}`]) expect(details).toContain(word);
  });

  it('drops the reason that an older build handed on, and stays paused', async () => {
    const since = '2026-01-01T10:00:00.000Z';
    const handle = await startLane({ paused: { actor: ACTOR, reason: 'ada@customer.example', since } as Paused });
    await until('it can be asked', async () => (await handle.query(state)).paused !== null);
    expect((await handle.query(state)).paused).toEqual({ actor: ACTOR, since });
  });

  it('takes the signal of an older build, and hands its reason to no later run', async () => {
    const handle = await startLane();
    await lane.attempt(1);
    await handle.signal(pause, { actor: ACTOR, reason: 'ada@customer.example' } as OperatorCall);
    await until('the lane is paused', async () => (await handle.query(state)).paused !== null);
    expect((await handle.query(state)).paused).toEqual({ actor: ACTOR, since: expect.any(String) });
    lane.attempts[0]?.stop();
    await handle.signal(resume, { actor: ACTOR, reason: 'ada@customer.example' } as OperatorCall);
    await lane.attempt(2);
  });

  it('stays paused in a new run', async () => {
    const handle = await startLane();
    await lane.attempt(1);
    const before = await runIdOf(handle);
    // The activity returns by itself in the moment of the pause: nothing is left to cancel.
    lane.attempts[0]?.finish('time');
    await lane.attempt(2);
    await handle
      .signal(pause, { actor: ACTOR, note: NOTES[0] })
      .catch(() => current(handle).signal(pause, { actor: ACTOR, note: NOTES[0] }));
    lane.attempts[1]?.finish('time');
    lane.attempts[1]?.stop();
    await until('the lane is paused', async () => (await current(handle).query(state)).paused?.note === NOTES[0]);
    expect(await runIdOf(handle)).not.toBe(before);
    expect(lane.attempts).toHaveLength(2);
    await current(handle).signal(resume, { actor: ACTOR });
    await lane.attempt(3);
  });

  it('tries again at once when asked, however long the backoff', async () => {
    const handle = await startLane();
    const trouble = ApplicationFailure.create({ message: 'trouble', type: 'ServiceTrouble', nextRetryDelay: '1 hour' });
    (await lane.attempt(1)).fail(trouble);
    await until('the next attempt is an hour away', async () => {
      const [pending] = (await handle.describe()).raw.pendingActivities ?? [];
      return pending?.attempt === 2 && pending.lastFailure;
    });
    await handle.signal(retryNow, { actor: ACTOR, note: NOTES[0] });
    expect((await lane.attempt(2)).number).toBe(1);
  });

  it('retries a failed attempt by itself after the time that the failure names', async () => {
    await startLane();
    const trouble = ApplicationFailure.create({
      message: 'trouble',
      type: 'ServiceTrouble',
      nextRetryDelay: '50 milliseconds',
    });
    (await lane.attempt(1)).fail(trouble);
    expect((await lane.attempt(2)).number).toBe(2);
  });

  it('ends when it is cancelled itself', async () => {
    const handle = await startLane();
    (await lane.attempt(1)).stop();
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    await startLane();
  });
});
