// The calendar of a restore, with its steps played: what an abort ends, and when.
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import { restore } from '../../workflows';
import { ABORTED } from '../../workflows/contracts/recovery-progress';
import { abort, progress, restoreWorkflowId } from '../../workflows/contracts/restore';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { freeLock } from '../support/free-lock';
import { endOf, type RunningWorkflows, runWorkflows } from '../support/time-skipping';
import { until } from '../support/until';

let environment: TestWorkflowEnvironment;
let workflows: RunningWorkflows;
const lock = freeLock();
let isLockTaken = false;
let attempts = 0;
let done: string[] = [];

const PLAN = { setId: '20260101T020000Z', to: 'end', time: null, restorePoint: null, timeline: 1, size: 1, free: 9 };
const activities = {
  ...lock.activities,
  async acquireOperations(claim: Parameters<typeof lock.activities.acquireOperations>[0]) {
    if (isLockTaken) throw new Error('Somebody else holds it');
    return lock.activities.acquireOperations(claim);
  },
  preflightRestore: async () => PLAN,
  async restoreClusterFiles() {
    attempts += 1;
    throw new Error('The repository is away');
  },
  discardRestored: async (id: string) => void done.push(`discard ${id}`),
};

beforeAll(async () => {
  workflows = await runWorkflows({
    taskQueue: TASK_QUEUES.ops,
    activities,
  });
  environment = workflows.environment;
});
afterAll(() => workflows?.stop());
beforeEach(() => {
  [isLockTaken, attempts, done] = [false, 0, []];
  lock.asked.length = 0;
});

const start = () => {
  const restoreId = uuidv7();
  return environment.client.workflow.start(restore, {
    workflowId: restoreWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId, target: { from: 'latest' } }],
  });
};
const given = { actor: 'an operator' };

it('ends as given up while a step is tried again, before its next attempt, and leaves nothing', async () => {
  const handle = await start();
  await until('the step has failed', () => attempts > 0);
  await handle.signal(abort, given);
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: ABORTED } });
  expect(await handle.query(progress)).toMatchObject({ status: 'aborted', problem: { code: ABORTED } });
  expect(done).toEqual([`discard ${handle.workflowId.replace('restore-', '')}`]);
  expect(lock.asked).toEqual(['acquire restore', 'release restore']);
  expect(attempts).toBeLessThan(12);
});

it('ends as given up while it waits for its turn', async () => {
  isLockTaken = true;
  const handle = await start();
  const startedAt = (await handle.describe()).startTime.getTime();
  await handle.signal(abort, given);
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: ABORTED } });
  expect((await endOf(handle)) - startedAt).toBeLessThan(60_000);
  expect(lock.asked).toEqual(['release restore']);
});
