// The calendar of a backup, with its steps played: their order, and how each way to end is told.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { BackupActivities } from '../../activities/backup';
import { backup } from '../../workflows';
import {
  type BackupInput,
  type BackupKind,
  backupWorkflowId,
  progress,
  toSetId,
} from '../../workflows/contracts/backup';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { freeLock } from '../support/free-lock';
import { type RunningWorkflows, runWorkflows } from '../support/time-skipping';
import { until } from '../support/until';

let environment: TestWorkflowEnvironment;
let workflows: RunningWorkflows;
const lock = freeLock();
let done: string[] = [];
let older: string | null = null;
/** What the step of Redis throws, once for each. */
let failures: Error[] = [];
let hangs = false;
/** Fails by itself at the moment at which it is cancelled. */
let breaks = false;

const sha256 = 'a'.repeat(64);
const wal = { start: '000000010000000000000002', stop: '000000010000000000000003' };
const part = {
  label: '20260101-020000F',
  version: '15',
  systemId: '1',
  size: 30,
  repositorySize: 10,
  sha256,
  wal,
  stoppedAt: '',
};
async function untilCancelled(): Promise<void> {
  const context = Context.current();
  const beats = setInterval(() => context.heartbeat(), 50);
  await context.cancelled.finally(() => clearInterval(beats));
}
const activities: BackupActivities = {
  openSet: async (setId) => void done.push(`open ${setId}`),
  describeDatabase: async () => ({ schema: 'a migration', audit: null, ledger: 3, rows: { drafts: 1 } }),
  async storePostgres() {
    done.push('postgres');
    if (hangs) await untilCancelled();
    if (breaks)
      await untilCancelled().catch(() => {
        // As the server has it of any failure of what it has been told to cancel.
        throw ApplicationFailure.nonRetryable('The database is gone');
      });
    // It had nothing to build on.
    return { part, kind: 'full', stored: 10 };
  },
  async storeRedis() {
    const failure = failures.shift();
    if (failure) throw failure;
    done.push('redis');
    return { key: 'r', size: 5, sha256, keys: 2 };
  },
  async storeFiles() {
    done.push('files');
    return { part: { key: 'f', size: 2, sha256, files: 1, bytes: 7 }, stored: 9 };
  },
  async verifySet() {
    done.push('verify');
    return { walChecked: 4, older };
  },
  async writeSet({ id, kind, ledger }) {
    done.push(`write ${id} ${kind} ${ledger}`);
  },
  async pruneSets() {
    done.push('prune');
    return ['20251201T020000Z'];
  },
};

beforeAll(async () => {
  workflows = await runWorkflows({
    taskQueue: TASK_QUEUES.ops,
    activities: { ...activities, ...lock.activities },
    maxHeartbeatThrottleInterval: 50,
    defaultHeartbeatThrottleInterval: 50,
  });
  environment = workflows.environment;
});
afterAll(() => workflows?.stop());
beforeEach(() => {
  [done, older, failures, hangs, breaks] = [[], null, [], false, false];
  lock.asked.length = 0;
});

let day = 0;
const start = (kind: BackupKind = 'incr', parts: BackupInput['parts'] = ['postgres', 'redis', 'files']) => {
  const setId = toSetId(new Date(Date.UTC(2026, 0, ++day, 2)));
  const input = { workflowId: backupWorkflowId(setId), taskQueue: TASK_QUEUES.ops };
  return environment.client.workflow.start(backup, { ...input, args: [{ setId, kind, parts }] });
};

describe('a backup', () => {
  it('makes its parts, verifies them, writes its manifest, and then prunes, alone', async () => {
    const handle = await start();
    const setId = '20260101T020000Z';
    const result = { setId, kind: 'full', size: 42, stored: 24, walChecked: 4, pruned: ['20251201T020000Z'] };
    expect(await handle.result()).toEqual(result);
    expect(done).toEqual([`open ${setId}`, 'postgres', 'redis', 'files', 'verify', `write ${setId} full 3`, 'prune']);
    expect(lock.asked).toEqual(['acquire backup', 'release backup']);
    const told = await handle.query(progress);
    expect(told).toMatchObject({ status: 'done', result, problem: null, finishedAt: expect.any(String) });
    expect(told.steps.map(({ step }) => step)).toEqual(['postgres', 'redis', 'files', 'verify', 'manifest', 'prune']);
  });

  it('of one part makes that alone', async () => {
    await (await start('full', ['redis'])).result();
    expect(done.slice(1)).toEqual(['redis', 'verify', expect.stringMatching(/^write .* full 0$/), 'prune']);
  });

  it('that a schedule started takes its id from its time', async () => {
    const now = toSetId(new Date(await environment.currentTimeMs()));
    const handle = await environment.client.workflow.start(backup, {
      workflowId: 'backup-2026-01-23T02:00:00Z',
      taskQueue: TASK_QUEUES.ops,
      args: [{ kind: 'full', parts: ['files'] }],
    });
    expect((await handle.result()).setId.slice(0, 11)).toBe(now.slice(0, 11));
  });

  it('tries again what may heal', async () => {
    failures = Array(5).fill(new Error('away'));
    expect(await (await start()).result()).toMatchObject({ kind: 'full' });
  });

  it('that cannot be made fails, says why, and gives the lock back', async () => {
    failures = [ApplicationFailure.nonRetryable('Redis is away', 'redis_away')];
    const handle = await start();
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'redis_away', message: 'Redis is away' } });
    const told = await handle.query(progress);
    expect(told).toMatchObject({
      status: 'failed',
      problem: { code: 'redis_away', message: 'Redis is away' },
      result: null,
    });
    expect(told.steps.at(-1)).toMatchObject({ step: 'redis', finishedAt: null });
    expect([done.slice(1), lock.asked.at(-1)]).toEqual([['postgres'], 'release backup']);
    expect((await handle.describe()).status.name).toBe('FAILED');
  });

  it('stands where older ones are damaged, and is seen to have failed all the same', async () => {
    older = 'segment 000000010000000000000004 is missing';
    const handle = await start();
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'older_backups_damaged' } });
    const { status, problem, result } = await handle.query(progress);
    expect([status, problem?.message, result?.kind]).toEqual(['failed', expect.stringContaining(older), 'full']);
    expect(done.slice(-2)).toEqual([expect.stringMatching(/^write/), 'prune']);
  });

  it.each(['ends', 'fails'])('that is cancelled, while its step %s, is aborted after that', async (how) => {
    [hangs, breaks] = [how === 'ends', how === 'fails'];
    const handle = await start();
    await until('it works', () => done.includes('postgres'));
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await handle.query(progress)).toMatchObject({ status: 'aborted', problem: null });
    expect(lock.asked.at(-1)).toBe('release backup');
  });
});
