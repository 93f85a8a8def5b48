// The calendar of a rollback, with its steps played: how long it waits for a word, what it retries, and when it goes on without
// the operations lock. How each step is undone, test/releases/ tries with the real steps.
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import type { ReleaseActivities } from '../../activities/releases';
import { deployment, rollback } from '../../workflows';
import { deploymentWorkflowId } from '../../workflows/contracts/deployment';
import { ABORTED, REFUSED } from '../../workflows/contracts/recovery-progress';
import {
  confirmRollback,
  plan,
  progress,
  type RollbackInput,
  rollbackWorkflowId,
} from '../../workflows/contracts/rollback';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { freeLock } from '../support/free-lock';
import { endOf, type RunningWorkflows, runWorkflows } from '../support/time-skipping';

const HOUR_MS = 3_600_000;
const release = (version: string) => ({
  version,
  buildId: version,
  commit: null,
  bundleHash: '',
  lastMigration: version,
});
const BETWEEN = { from: release('2.0.0'), to: release('1.0.0') };
const PLAN = { ...BETWEEN, migrations: [], workflows: {}, sent: 0, restorePoint: 'before', expectedSeconds: 25 };
const HEALTH = { api: 1, workers: 1, requests: 0, errors: 0 };

let environment: TestWorkflowEnvironment;
let workflows: RunningWorkflows;
const lock = freeLock();
let done: string[] = [];
/** How often a step fails before it succeeds, by its name. */
let failures: Record<string, number> = {};
let lockFails: Error | null = null;

function play<T>(name: string, result: T) {
  return async (input?: { isUndo?: boolean }): Promise<T> => {
    const step = `${name}${input?.isUndo ? ' back' : ''}`;
    const left = failures[step] ?? 0;
    failures[step] = left - 1;
    if (left > 0) throw new Error('It is away');
    done.push(step);
    return result;
  };
}
const activities = {
  planRollback: play('plan', PLAN),
  planDeployment: play('plan', { ...BETWEEN, migrations: ['20260202000000_more'], workflows: {} }),
  rehearseRollback: play('rehearse', { verdict: 'passed', setId: null, migrations: [], seconds: 1, problem: null }),
  markRollbackPoint: play('mark', undefined),
  takeTrafficOut: play('traffic out', undefined),
  startWorkers: play('start workers', undefined),
  stopWorkers: play('stop workers', undefined),
  switchWorkers: play('workers', undefined),
  makeCurrent: play('current', undefined),
  migrateUp: play('up', undefined),
  migrateDown: play('down', undefined),
  migrateBack: play('down', undefined),
  tryApi: play('trial', undefined),
  endTrial: play('end trial', undefined),
  serve: play('serve', undefined),
  watchHealth: play('watch', HEALTH),
  drainWorkers: play('drain', undefined),
  noteDeployed: play('note', undefined),
  noteDeploymentFailed: play('note failure', undefined),
  noteRolledBack: play('note', undefined),
  noteRollbackFailed: play('note failure', undefined),
} as unknown as ReleaseActivities;

beforeAll(async () => {
  workflows = await runWorkflows({
    taskQueue: TASK_QUEUES.releases,
    activities: {
      ...activities,
      ...lock.activities,
      async acquireOperations(claim: Parameters<typeof lock.activities.acquireOperations>[0]) {
        if (lockFails) throw lockFails;
        return lock.activities.acquireOperations(claim);
      },
    },
  });
  environment = workflows.environment;
});
afterAll(() => workflows?.stop());
beforeEach(() => {
  [done, failures, lockFails] = [[], {}, null];
  lock.asked.length = 0;
});

function start(changes: Partial<RollbackInput> = {}) {
  const rollbackId = uuidv7();
  return environment.client.workflow.start(rollback, {
    workflowId: rollbackWorkflowId(rollbackId),
    taskQueue: TASK_QUEUES.releases,
    args: [{ rollbackId, yes: true, ...changes }],
  });
}
const took = async (handle: Awaited<ReturnType<typeof start>>) =>
  (await endOf(handle)) - (await handle.describe()).startTime.getTime();
const FORTH = ['plan', 'mark', 'traffic out', 'workers', 'serve', 'watch', 'note'];

describe('a rollback', () => {
  it('takes its steps alone, and leaves the database out if no migration is undone', async () => {
    const handle = await start();
    expect(await handle.result()).toEqual({ plan: PLAN, rehearsal: null, health: HEALTH, serving: '1.0.0' });
    expect(done).toEqual(FORTH);
    expect(lock.asked).toEqual(['acquire rollback', 'release rollback']);
    expect(await handle.query(plan)).toEqual(PLAN);
  });

  it('waits an hour for a word, gives itself up, and has changed nothing', async () => {
    const handle = await start({ yes: false });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: ABORTED } });
    expect(await handle.query(progress)).toMatchObject({ status: 'aborted', result: { plan: PLAN, serving: '2.0.0' } });
    expect(done).toEqual(['plan', 'note failure']);
    expect(lock.asked).toEqual(['acquire rollback', 'release rollback']);
    expect(await took(handle)).toBeGreaterThanOrEqual(HOUR_MS);
    expect(await took(handle)).toBeLessThan(HOUR_MS + 60_000);
  });

  it('goes on at the word, also if that came before it asked', async () => {
    const handle = await start({ yes: false });
    await handle.signal(confirmRollback, { actor: 'an operator' });
    expect(await handle.result()).toMatchObject({ serving: '1.0.0' });
    expect(await took(handle)).toBeLessThan(HOUR_MS);
  });

  it('changes nothing if it is only rehearsed', async () => {
    const handle = await start({ dryRun: true });
    expect(await handle.result()).toMatchObject({ rehearsal: { verdict: 'passed' }, serving: '2.0.0' });
    expect(done).toEqual(['plan', 'rehearse']);
  });

  it('tries a step that is in trouble ten times, and then undoes what was done', async () => {
    failures = { workers: Number.POSITIVE_INFINITY };
    const handle = await start();
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'Error' } });
    expect(done).toEqual(['plan', 'mark', 'traffic out', 'workers back', 'serve back', 'note failure']);
  });

  it('tries to undo a step until that is done, however long it takes', async () => {
    failures = { watch: 10, 'workers back': 200 };
    const handle = await start();
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'Error' } });
    expect(done.slice(-4)).toEqual(['traffic out back', 'workers back', 'serve back', 'note failure']);
    expect(await handle.query(progress)).toMatchObject({ status: 'failed', result: { serving: '2.0.0' } });
  });
});

describe('the operations lock in an emergency', () => {
  const busy = ApplicationFailure.nonRetryable('backup holds the lock', 'operations_busy', REFUSED);

  it('is done without after twenty seconds if no worker answers for it', async () => {
    lockFails = new Error('No worker answers');
    const handle = await start();
    expect(await handle.result()).toMatchObject({ serving: '1.0.0' });
    expect(done).toEqual(FORTH);
    expect(await took(handle)).toBeLessThan(120_000);
  });

  it('refuses a rollback that comes while another has it', async () => {
    lockFails = busy;
    const handle = await start();
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'operations_busy', details: [REFUSED] } });
    expect(await handle.query(progress)).toMatchObject({ status: 'refused', steps: [], result: null });
    expect(done).toEqual([]);
  });

  it('does not keep a rehearsal either, which changes nothing', async () => {
    lockFails = new Error('No worker answers');
    const handle = await start({ dryRun: true });
    expect(await handle.result()).toMatchObject({ rehearsal: { verdict: 'passed' } });
  });
});

describe('a deployment', () => {
  it('starts beside, tries, switches, watches, and drains once it has given the lock back', async () => {
    const id = uuidv7();
    const handle = await environment.client.workflow.start(deployment, {
      workflowId: deploymentWorkflowId(id),
      taskQueue: TASK_QUEUES.releases,
      args: [{ deploymentId: id, to: '1.0.0' }],
    });
    expect(await handle.result()).toMatchObject({ serving: '1.0.0', drained: true, health: HEALTH });
    expect(done).toEqual(['plan', 'up', 'start workers', 'trial', 'current', 'serve', 'watch', 'note', 'drain']);
    expect(lock.asked).toEqual(['acquire deployment', 'release deployment']);
  });
});
