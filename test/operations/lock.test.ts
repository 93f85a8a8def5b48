// The lock itself, in workers that have no database: runs of retention whose steps are played hold it and wait for it.
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { uuidv7 } from 'uuidv7';
import type { DraftRetentionActivities } from '../../activities/draft-retention';
import { createOperationsActivities } from '../../activities/operations';
import { draftRetention } from '../../workflows';
import { cleanupWorkflowId } from '../../workflows/contracts/draft-retention';
import { acquire, HELD, type Holder, OPERATIONS_ID, release, state } from '../../workflows/contracts/operations';
import { ProcessAttribute } from '../../workflows/contracts/search-attributes';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { deferred } from '../support/deferred';
import { freeLock } from '../support/free-lock';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { workflowBundle } from '../support/workflow-bundle';

let temporal: TestNamespace;
let workers: Worker[] = [];
let running: Promise<unknown>;
/** The runs that work, in the order in which they began, and what ends their work. */
const working: string[] = [];
const ends = new Map<string, () => void>();

const found = { status: 'running', drafts: 0, held: 0 } as const;
const retention: DraftRetentionActivities = {
  beginCleanup: async () => found,
  showCleanupLives: async () => {},
  async eraseOldDrafts(id) {
    const end = deferred<void>();
    ends.set(id, () => end.resolve());
    working.push(id);
    // Or on a slow machine a second attempt would begin, which nobody ends.
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), 1_000);
    await end.promise.finally(() => clearInterval(beat));
    return { ...found, end: 'clean' };
  },
  removeAgedRows: async () => {},
  finishCleanup: async (_, reason) => ({ ...found, status: reason ? 'failed' : 'done' }),
};

beforeAll(async () => {
  temporal = await createTestNamespace();
  const shared = {
    connection: await temporal.nativeConnection(),
    namespace: temporal.namespace,
    workflowBundle: workflowBundle(),
  };
  const { markRestorePoint } = freeLock().activities;
  workers = [
    await Worker.create({ ...shared, taskQueue: TASK_QUEUES.ops }),
    await Worker.create({
      ...shared,
      taskQueue: TASK_QUEUES.processes,
      activities: { ...retention, ...createOperationsActivities({ temporal: temporal.client }), markRestorePoint },
    }),
  ];
  running = Promise.all(workers.map((worker) => worker.run()));
});
afterAll(async () => {
  for (const end of ends.values()) end();
  for (const worker of workers) worker.shutdown();
  await running;
  await temporal?.close();
});

interface Run {
  id: string;
  handle: WorkflowHandle<typeof draftRetention>;
}
async function start(id = uuidv7()): Promise<Run> {
  const handle = await temporal.client.workflow.start(draftRetention, {
    workflowId: cleanupWorkflowId(id),
    taskQueue: TASK_QUEUES.processes,
    args: [{ cleanupId: id }],
  });
  return { id, handle };
}
const works = ({ id }: Run) => until('it works', () => ends.has(id));
const end = async ({ id, handle }: Run) => {
  ends.get(id)?.();
  ends.delete(id);
  return handle.result();
};
const lock = () => temporal.client.workflow.getHandle(OPERATIONS_ID);
const holder = (): Promise<Holder | null> => lock().query(state);
/** The failure that names who is waited for. */
const waits = ({ handle }: Run) =>
  until('it waits', async () => {
    const { raw } = await handle.describe();
    const waiting = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'acquireOperations');
    return waiting?.lastFailure;
  });

describe('the operations lock', () => {
  it('is made by the first that asks, says who holds it, and is free again afterwards', async () => {
    const run = await start();
    await works(run);
    expect(await holder()).toEqual({
      process: 'draftRetention',
      workflowId: run.handle.workflowId,
      firstRunId: expect.any(String),
      since: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const { typedSearchAttributes, staticSummary } = await lock().describe();
    expect(typedSearchAttributes.get(ProcessAttribute)).toBe('operations');
    expect(await staticSummary()).toContain('lock');
    await end(run);
    expect(await holder()).toBeNull();
  });

  it('lets one work while others wait, who know for whom', async () => {
    const [first, second] = [await start(), await start()];
    const begun = await until('one works', () => [first, second].find(({ id }) => ends.has(id)));
    const waiting = begun === first ? second : first;
    const { message, applicationFailureInfo } = await waits(waiting);
    expect(applicationFailureInfo?.type).toBe(HELD);
    expect(message).toContain(`draftRetention (${begun.handle.workflowId})`);
    expect(ends.has(waiting.id)).toBe(false);
    await end(begun);
    await works(waiting);
    await end(waiting);
  });

  it('stays with its holder across the holder’s repeats, and with nobody else’s release', async () => {
    const run = await start();
    await works(run);
    const { firstRunId, workflowId, since } = (await holder()) as Holder;
    const asked = { process: 'draftRetention' as const, workflowId, firstRunId };
    expect(await lock().executeUpdate(acquire, { args: [asked] })).toMatchObject({ since });
    await lock().executeUpdate(release, { args: [{ workflowId: 'somebody-else', firstRunId }] });
    await lock().executeUpdate(release, { args: [{ workflowId, firstRunId: 'an-earlier-one' }] });
    expect(await holder()).toMatchObject({ workflowId, since });
    await end(run);
  });

  it('rejects without a trace in its history, and what it rejects is no take-over of somebody else', async () => {
    const run = await start();
    await works(run);
    const length = async () => (await lock().describe()).historyLength;
    const before = await length();
    const gone = { workflowId: 'cleanup-gone', firstRunId: 'gone' };
    const asked = { process: 'backup' as const, workflowId: 'backup-1', firstRunId: '1', takeOver: gone };
    for (let i = 0; i < 5; i++) {
      const rejected = lock().executeUpdate(acquire, { args: [asked] });
      await expect(rejected).rejects.toMatchObject({ cause: { type: HELD, details: [await holder()] } });
    }
    expect(await length()).toBe(before);
    await end(run);
  });

  it('is taken over from a holder that was terminated', async () => {
    const [gone, next] = [await start(), await start()];
    const begun = await until('one works', () => [gone, next].find(({ id }) => ends.has(id)));
    const waiting = begun === gone ? next : gone;
    await waits(waiting);
    await begun.handle.terminate('by an operator');
    await works(waiting);
    expect(await holder()).toMatchObject({ workflowId: waiting.handle.workflowId });
    await end(waiting);
  });

  it('is taken over from a run that another run of the same id has followed', async () => {
    const run = await start();
    await works(run);
    const { firstRunId } = (await holder()) as Holder;
    await run.handle.terminate('by an operator');
    ends.get(run.id)?.();
    ends.delete(run.id);
    const again = await start(run.id);
    await works(again);
    const now = (await holder()) as Holder;
    expect([now.workflowId, now.firstRunId === firstRunId]).toEqual([run.handle.workflowId, false]);
    await end(again);
    expect(await holder()).toBeNull();
  });

  it('is given up by who is cancelled, at work and while waiting', async () => {
    const [first, second] = [await start(), await start()];
    const begun = await until('one works', () => [first, second].find(({ id }) => ends.has(id)));
    const waiting = begun === first ? second : first;
    await waits(waiting);
    await waiting.handle.cancel();
    await expect(waiting.handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await holder()).toMatchObject({ workflowId: begun.handle.workflowId });
    await begun.handle.cancel();
    await expect(begun.handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await holder()).toBeNull();
  });

  it('is held on across its own continue-as-new', async () => {
    const run = await start();
    await works(run);
    const before = await holder();
    const { runId } = await lock().describe();
    const nobody = { workflowId: 'nobody', firstRunId: 'nobody' };
    // One that the end of a run has cut off may never be answered.
    const call = () =>
      temporal.client
        .withDeadline(Date.now() + 5_000, () => lock().executeUpdate(release, { args: [nobody] }))
        .catch(() => {});
    await until('it has continued as new', async () => {
      await Promise.all(Array.from({ length: 8 }, call));
      return (await lock().describe()).runId !== runId;
    });
    expect(await holder()).toEqual(before);
    const waiting = await start();
    await waits(waiting);
    await end(run);
    await works(waiting);
    await end(waiting);
  });
});
