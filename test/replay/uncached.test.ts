// A worker that keeps no workflow in memory replays the whole history for each step: what a restart does, all the time.
import { Worker } from '@temporalio/worker';
import type { DraftApprovalActivities } from '../../activities/draft-approval';
import type { DraftRetentionActivities, Stretch } from '../../activities/draft-retention';
import { draftApproval, draftRetention, mailDelivery } from '../../workflows';
import { changed, type DraftState, state as draftState } from '../../workflows/contracts/draft-approval';
import { claimed, pause, resume, retryNow, state } from '../../workflows/contracts/lane';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { freeLock } from '../support/free-lock';
import { PlayedLane } from '../support/lane-activity';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { workflowBundle } from '../support/workflow-bundle';

const DRAFT_ID = '0197a000-0000-7000-8000-000000000001';

let temporal: TestNamespace;
let workers: Worker[];
let running: Promise<unknown>;
const lane = new PlayedLane();

let row: DraftState = {
  generation: 1,
  version: 1,
  status: 'pending_review',
  revision: 1,
  expiresAt: '2100-01-01T00:00:00.000Z',
  dueAt: null,
  outcome: null,
};
const change = (changes: Partial<DraftState>) => {
  row = { ...row, version: row.version + 1, ...changes };
  return row;
};
const activities: DraftApprovalActivities = {
  readDraftState: async () => row,
  expireDraft: async () => row,
  releaseDraft: async () => (row.status === 'approved' ? change({ status: 'scheduled' }) : row),
};

const ends: Stretch['end'][] = ['time', 'time', 'clean'];
const found = { status: 'running', drafts: 1, held: 0 } as const;
const retention: DraftRetentionActivities = {
  beginCleanup: async () => found,
  showCleanupLives: async () => {},
  eraseOldDrafts: async () => ({ ...found, end: ends.shift() ?? 'clean' }),
  removeAgedRows: async () => {},
  finishCleanup: async () => ({ ...found, status: 'done' }),
};

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
      activities: { ...activities, ...retention, ...freeLock().activities },
      maxCachedWorkflows: 0,
    }),
    await Worker.create({ connection, namespace, taskQueue: TASK_QUEUES.email, activities: lane.activities }),
  ];
  running = Promise.all(workers.map((worker) => worker.run()));
});
afterAll(async () => {
  for (const worker of workers ?? []) worker.shutdown();
  for (const attempt of lane.attempts) attempt.stop();
  await running;
  await temporal?.close();
});

describe('without a cache', () => {
  it('an approval comes to its end', async () => {
    const handle = await temporal.client.workflow.start(draftApproval, {
      workflowId: `draft-${DRAFT_ID}`,
      taskQueue: TASK_QUEUES.processes,
      args: [{ draftId: DRAFT_ID }],
    });
    await handle.signal(changed, change({ status: 'changes_requested' }));
    await handle.signal(changed, change({ status: 'pending_review', revision: 2 }));
    await until('it waits', async () => (await handle.query(draftState))?.revision === 2);
    await handle.signal(changed, change({ status: 'approved' }));
    await until('it is released', async () => (await handle.query(draftState))?.status === 'scheduled');
    await handle.signal(changed, change({ status: 'sent', outcome: 'delivered' }));
    expect(await handle.result()).toBe('sent');
  });

  it('a run of retention comes to its end', async () => {
    const handle = await temporal.client.workflow.start(draftRetention, {
      workflowId: 'draft-retention-uncached',
      taskQueue: TASK_QUEUES.processes,
      args: [{}],
    });
    expect(await handle.result()).toEqual({ status: 'done', drafts: 1, held: 0 });
  });

  it('the lane reports, pauses, resumes and goes on in a new run', async () => {
    const handle = await temporal.client.workflow.start(mailDelivery, {
      workflowId: 'lane-email',
      taskQueue: TASK_QUEUES.processes,
      args: [{}],
    });
    const { runId } = await handle.describe();
    (await lane.attempt(1)).stop();
    await handle.signal(claimed, { ids: '', due: 2, sent: 5, trouble: null });
    await handle.signal(pause, { actor: DRAFT_ID, note: DRAFT_ID });
    await until('the attempt has stopped', () => lane.attempts[0]?.cancelled);
    await handle.signal(resume, { actor: DRAFT_ID });
    (await lane.attempt(2)).stop();
    await handle.signal(retryNow, { actor: DRAFT_ID });
    (await lane.attempt(3)).finish('idle');
    await lane.attempt(4);
    const current = temporal.client.workflow.getHandle('lane-email');
    expect((await current.describe()).runId).not.toBe(runId);
    expect((await current.query(state)).report).toMatchObject({ due: 2, sent: 5 });
    await current.terminate('the test is over');
  });
});
