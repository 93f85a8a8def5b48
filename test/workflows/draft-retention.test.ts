// The calendar of a run, with its steps played.
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import type { DraftRetentionActivities, Stretch } from '../../activities/draft-retention';
import type { OperationsActivities } from '../../activities/operations';
import type { RestorePointActivities } from '../../activities/restore-points';
import { draftRetention } from '../../workflows';
import { type CleanupProgress, cleanupWorkflowId, progress } from '../../workflows/contracts/draft-retention';
import { endOf, type RunningWorkflows, runWorkflows } from '../support/time-skipping';
import { until } from '../support/until';

const UUIDV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let environment: TestWorkflowEnvironment;
let workflows: RunningWorkflows;
/** What the next stretches end with; an error is thrown; then all are clean. */
let ends: (Stretch['end'] | Error)[] = [];
let begun: [id: string, isScheduled: boolean][] = [];
let finished: [id: string, reason: string | null][] = [];
let swept = 0;
let isOther = false;
let lives: string[] = [];
/** How often the lock is still held by another. */
let held = 0;
let asked: string[] = [];
const row: CleanupProgress = { status: 'running', drafts: 0, held: 0 };

const lock: OperationsActivities & RestorePointActivities = {
  async acquireOperations() {
    // Half a minute stands for its many attempts.
    if (held-- > 0) throw ApplicationFailure.create({ message: 'held', nextRetryDelay: '30 seconds' });
    asked.push('acquired');
  },
  async releaseOperations() {
    asked.push('released');
  },
  async markRestorePoint({ id }) {
    asked.push(`before-${id}`);
  },
};
const activities: DraftRetentionActivities = {
  async beginCleanup(id, isScheduled) {
    begun.push([id, isScheduled]);
    return isOther ? null : row;
  },
  async showCleanupLives(id) {
    lives.push(id);
  },
  async eraseOldDrafts() {
    const end = ends.shift() ?? 'clean';
    if (end instanceof Error) throw end;
    return { ...row, drafts: 7, end };
  },
  async removeAgedRows() {
    swept++;
  },
  async finishCleanup(id, reason) {
    finished.push([id, reason]);
    return { status: reason ? 'partial' : 'done', drafts: 7, held: 1 };
  },
};

beforeAll(async () => {
  workflows = await runWorkflows({
    taskQueue: 'processes',
    activities: { ...activities, ...lock },
  });
  environment = workflows.environment;
});
afterAll(() => workflows?.stop());
beforeEach(() => {
  [ends, begun, finished, swept, isOther] = [[], [], [], 0, false];
  [asked, lives, held] = [[], [], 0];
});

const cleanupId = uuidv7();
const start = (id: string | null = cleanupId) =>
  environment.client.workflow.start(draftRetention, {
    workflowId: id ? cleanupWorkflowId(id) : `draft-retention-${uuidv7()}`,
    taskQueue: 'processes',
    args: [id ? { cleanupId: id } : {}],
  });
const DONE = { status: 'done', drafts: 7, held: 1 };

describe('a run of retention', () => {
  it('goes on until nothing is left, then removes what else has aged out', async () => {
    ends = ['time', 'time', 'time'];
    const handle = await start();
    expect(await handle.result()).toEqual(DONE);
    expect(await handle.query(progress)).toEqual(DONE);
    expect([begun, finished, swept]).toEqual([[[cleanupId, false]], [[cleanupId, null]], 1]);
    expect(asked).toEqual(['acquired', `before-${cleanupId}`, 'released']);
  });

  it('that a schedule starts draws its id once', async () => {
    ends = Array(150).fill('time');
    expect(await (await start(null)).result()).toEqual(DONE);
    const [[id = '', isScheduled] = []] = begun;
    expect([id, isScheduled]).toEqual([expect.stringMatching(UUIDV7), true]);
    // It has continued as new, with the same row.
    expect(begun).toEqual([
      [id, true],
      [id, false],
    ]);
    expect(finished).toEqual([[id, null]]);
    // It has kept the lock all the while.
    expect(asked).toEqual(['acquired', `before-${id}`, 'acquired', `before-${id}`, 'released']);
  });

  it('that finds another at work does nothing', async () => {
    isOther = true;
    expect(await (await start(null)).result()).toBeNull();
    expect([finished, swept, asked]).toEqual([[], 0, []]);
  });

  it('tries again what was locked, five times, and then says that it is partial', async () => {
    ends = ['some_left', 'some_left', 'time'];
    expect(await (await start()).result()).toEqual(DONE);
    ends = Array(5).fill('some_left');
    expect(await (await start()).result()).toMatchObject({ status: 'partial' });
    expect(finished).toEqual([
      [cleanupId, null],
      [cleanupId, 'locked'],
    ]);
  });

  it('bears a database that is away for hours', async () => {
    ends = Array(60).fill(new Error('away'));
    expect(await (await start()).result()).toEqual(DONE);
  });

  it('waits an hour for the lock, shows that it lives, and has not failed by that', async () => {
    held = 122;
    expect(await (await start()).result()).toEqual(DONE);
    expect([lives.length, finished]).toEqual([3, [[cleanupId, null]]]);
  });

  it('gives the lock back while the database is away, and takes it again', async () => {
    ends = Array(17).fill(new Error('away'));
    expect(await (await start()).result()).toEqual(DONE);
    const turn = ['acquired', `before-${cleanupId}`, 'released'];
    expect(asked).toEqual([...turn, ...turn, ...turn]);
  });

  it('gives up after six hours, and says so', async () => {
    ends = Array(2_000).fill(new Error('away'));
    const begin = await environment.currentTimeMs();
    const handle = await start();
    expect(await handle.result()).toMatchObject({ status: 'partial' });
    const hours = ((await endOf(handle)) - begin) / 3_600_000;
    expect(hours).toBeGreaterThan(5.9);
    expect(hours).toBeLessThan(6.1);
    expect(finished).toEqual([[cleanupId, 'gave_up']]);
  });

  it('that is cancelled closes its row and stays cancelled', async () => {
    ends = Array(2_000).fill(new Error('away'));
    const handle = await start();
    // The server played here can't cancel what has just ended.
    await until('it is at work', () => ends.length < 2_000);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(finished).toEqual([[cleanupId, 'cancelled']]);
    expect(asked.at(-1)).toBe('released');
  });

  it('that is cancelled while it waits for the lock gives up its claim', async () => {
    held = 1_000;
    const handle = await start();
    await until('it waits', () => held < 1_000);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect([finished, asked]).toEqual([[[cleanupId, 'cancelled']], ['released']]);
  });

  it('whose row somebody has closed ends with it', async () => {
    ends = ['time', 'stopped'];
    expect(await (await start()).result()).toEqual({ ...row, drafts: 7 });
    expect([finished, swept]).toEqual([[], 0]);
  });
});
