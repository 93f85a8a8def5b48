// What a workflow tells the worker of its trace and its failures, across a change of the worker too.

import { activityInfo } from '@temporalio/activity';
import { WorkflowClient } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type ActivityInterceptorsFactory, type InjectedSinks, Worker } from '@temporalio/worker';
import { uuidv7 } from 'uuidv7';
import type { DraftApprovalActivities } from '../../activities/draft-approval';
import type { PersonExportActivities } from '../../activities/person-export';
import { traceCalls, traceparentIn } from '../../ops/runtime/trace-calls';
import { withTraceparent } from '../../ops/runtime/trace-context';
import { draftApproval, personExport } from '../../workflows';
import { changed, type DraftState, draftApprovalId } from '../../workflows/contracts/draft-approval';
import { REFUSED } from '../../workflows/contracts/recovery-progress';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import type { TelemetrySinks, WorkflowFailure, WorkflowSegment } from '../../workflows/contracts/telemetry';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { workflowBundle } from '../support/workflow-bundle';

const SUBMITTED = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
/** Another span of it. */
const SAME_TRACE = SUBMITTED.replace('b7ad', 'c8be');
const APPROVED = '00-1bf7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01';

let temporal: TestNamespace;
let failures: (WorkflowFailure & { workflowId: string })[] = [];
let segments: (WorkflowSegment & { workflowId: string })[] = [];
/** Activities and the traces that they came with. */
let carried: [activity: string, traceparent: string | null][] = [];
let state: DraftState;
let toThrow: Error;

const activities: DraftApprovalActivities & PersonExportActivities = {
  readDraftState: async () => state,
  expireDraft: async () => state,
  releaseDraft: async () => ({ ...state, version: 3, status: 'sent' }),
  readExportState: async () => {
    throw toThrow;
  },
  writeExport: async () => null,
  failExport: async () => null,
};
const watch: ActivityInterceptorsFactory = () => ({
  inbound: {
    execute(input, next) {
      carried.push([activityInfo().activityType, traceparentIn(input.headers)]);
      return next(input);
    },
  },
});

const sinks: InjectedSinks<TelemetrySinks> = {
  telemetry: {
    failed: { fn: ({ workflowId }, failure) => void failures.push({ ...failure, workflowId }) },
    worked: { fn: ({ workflowId }, segment) => void segments.push({ ...segment, workflowId }) },
  },
};

let worker: { stop(): Promise<void> };
async function startWorker(): Promise<void> {
  const { namespace } = temporal;
  const options = { namespace, taskQueue: TASK_QUEUES.processes, workflowBundle: workflowBundle(), activities, sinks };
  const created = await Worker.create({
    ...options,
    connection: await temporal.nativeConnection(),
    interceptors: { activity: [watch] },
  });
  const running = created.run();
  worker = {
    async stop() {
      created.shutdown();
      await running;
    },
  };
}
beforeAll(async () => {
  temporal = await createTestNamespace();
  await startWorker();
});
afterAll(async () => {
  await worker?.stop();
  await temporal?.close();
});
beforeEach(() => {
  failures = [];
  segments = [];
  carried = [];
});

/** That writes the trace at work into its calls. */
function tracingClient(): WorkflowClient {
  const { connection } = temporal.client;
  return new WorkflowClient({ connection, namespace: temporal.namespace, interceptors: [traceCalls] });
}

it('carries the trace of whoever started it, then of whoever signalled it last, and tells each once', async () => {
  const draftId = uuidv7();
  const workflowId = draftApprovalId(draftId);
  const expiresAt = new Date(Date.now() + 365 * 86_400_000).toISOString();
  state = { generation: 1, version: 1, status: 'pending_review', revision: 1, expiresAt, dueAt: null, outcome: null };
  const handle = await withTraceparent(SUBMITTED, () =>
    tracingClient().signalWithStart(draftApproval, {
      workflowId,
      taskQueue: TASK_QUEUES.processes,
      args: [{ draftId }],
      signal: changed,
      signalArgs: [state],
    }),
  );
  await until('it waits for people', async () => carried.length === 1);
  await withTraceparent(SAME_TRACE, () => handle.signal(changed, state));
  await worker.stop();
  await startWorker();
  await withTraceparent(APPROVED, () => handle.signal(changed, { ...state, version: 2, status: 'approved' }));
  await expect(handle.result()).resolves.toBe('sent');
  expect(carried).toEqual([
    ['readDraftState', SUBMITTED],
    ['releaseDraft', APPROVED],
  ]);
  expect(segments).toEqual([
    expect.objectContaining({ workflowId, traceparent: SUBMITTED }),
    expect.objectContaining({ workflowId, traceparent: APPROVED }),
  ]);
  const [first, second] = segments as unknown as [WorkflowSegment, WorkflowSegment];
  expect(first.endedAt).toBeGreaterThan(first.startedAt);
  expect(second.startedAt).toBe(first.endedAt);
  expect(failures).toEqual([]);
});

async function runExport(error: Error): Promise<void> {
  toThrow = error;
  const { workflow } = temporal.client;
  const options = { workflowId: `export-${uuidv7()}`, taskQueue: TASK_QUEUES.processes };
  await expect(workflow.execute(personExport, { ...options, args: [{ exportId: uuidv7() }] })).rejects.toThrow();
}

it('belongs to no trace if whoever started it did not', async () => {
  await runExport(ApplicationFailure.nonRetryable('P2010', 'PrismaClientKnownRequestError'));
  expect(carried).toEqual([['readExportState', null]]);
  expect(segments).toEqual([]);
});

it('tells that a run has failed by the type and the code of what was behind it', async () => {
  await runExport(ApplicationFailure.nonRetryable('P2010', 'PrismaClientKnownRequestError'));
  expect(failures).toEqual([{ workflowId: expect.any(String), type: 'PrismaClientKnownRequestError', code: 'P2010' }]);
});

it('keeps the words of a failure to itself', async () => {
  await runExport(ApplicationFailure.nonRetryable('Ask ada@example.org about it', 'Odd'));
  expect(failures).toEqual([{ workflowId: expect.any(String), type: 'Odd' }]);
});

it.each([
  ['a refusal', ApplicationFailure.nonRetryable('It has been restored already', 'restored', REFUSED)],
  ['a run that an operator gave up', ApplicationFailure.nonRetryable('It was given up', 'aborted')],
])('does not tell of %s', async (_what, error) => {
  await runExport(error);
  expect(failures).toEqual([]);
});

it('tells of a fault in its own code with its place, since that fails the task again and again', async () => {
  const { workflow } = temporal.client;
  const options = { workflowId: draftApprovalId(uuidv7()), taskQueue: TASK_QUEUES.processes };
  // What no message of ours says.
  const handle = await workflow.start('draftApproval', { ...options, args: [null] });
  const [failure] = await until('it is told', async () => (failures.length > 0 ? failures : null));
  expect(failure).toMatchObject({ type: 'TypeError', stack: expect.stringContaining('draft-approval') });
  await handle.terminate('the test is over');
});
