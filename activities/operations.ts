// Acquires and releases the operations lock for the workflow that asks (workflows/exclusively.ts).
import { Context } from '@temporalio/activity';
import { type Client, WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  type Acquisition,
  acquire,
  type Claimant,
  type ExclusiveProcess,
  HELD,
  type Holder,
  isSame,
  OPERATIONS_ID,
  release,
} from '../workflows/contracts/operations';
import { REFUSED } from '../workflows/contracts/recovery-progress';
import { ProcessAttribute } from '../workflows/contracts/search-attributes';
import { TASK_QUEUES } from '../workflows/contracts/task-queues';
import type { operations } from '../workflows/operations';

/** An attempt ends before Temporal begins the next. */
const ANSWERS_WITHIN_MS = 5_000;

export interface Claim {
  process: ExclusiveProcess;
  firstRunId: string;
  /** Holders that give way: they are cancelled. */
  cancels?: ExclusiveProcess[];
  /** Holders that exclude nothing of this: it goes on beside them, without the lock. */
  besides?: ExclusiveProcess[];
  /** Refuses if another holds it, instead of waiting. */
  noWait?: boolean;
}

export interface OperationsActivities {
  /** Fails while another holds it, naming the holder, and is tried again: that is how to wait. */
  acquireOperations(claim: Claim): Promise<void>;
  releaseOperations(claim: Claim): Promise<void>;
}

export function createOperationsActivities({ temporal }: { temporal: Client }): OperationsActivities {
  return {
    acquireOperations: ({ process, firstRunId, cancels = [], besides = [], noWait = false }) =>
      inTime(temporal, async () => {
        const { workflowId, runId, activityId } = whoAsks();
        const asked = { process, workflowId, firstRunId };
        // All attempts of one acquisition are one update: none is carried out after it has been given up.
        const updateId = `acquire-${runId}-${activityId}`;
        let next = await ask(temporal, asked, updateId);
        const gone: Claimant[] = [];
        while (next && !gone.some((one) => isSame(one, next as Holder)) && (await isGone(temporal, next))) {
          gone.push({ workflowId: next.workflowId, firstRunId: next.firstRunId });
          next = await ask(temporal, { ...asked, takeOvers: gone }, `${updateId}-after-${next.firstRunId}`);
        }
        if (next === null || besides.includes(next.process)) return;
        if (cancels.includes(next.process)) await temporal.workflow.getHandle(next.workflowId).cancel();
        if (noWait) throw refuse(next);
        throw ApplicationFailure.retryable(`${next.process} (${next.workflowId}) holds it since ${next.since}`, HELD);
      }),

    releaseOperations: ({ firstRunId }) =>
      inTime(temporal, async () => {
        const { workflowId } = whoAsks();
        const handle = temporal.workflow.getHandle(OPERATIONS_ID);
        await handle.executeUpdate(release, { args: [{ workflowId, firstRunId }] }).catch((error) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        });
      }),
  };
}

const refuse = ({ process, workflowId, since }: Holder) =>
  ApplicationFailure.nonRetryable(
    `${process} (${workflowId}) holds the lock of operations since ${since}: try again when it has ended`,
    'operations_busy',
    REFUSED,
  );

const inTime = (temporal: Client, work: () => Promise<void>) =>
  temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, work);

function whoAsks() {
  const { workflowExecution, activityId } = Context.current().info;
  if (!workflowExecution) throw ApplicationFailure.nonRetryable('Only a workflow can hold the lock', 'NoWorkflow');
  return { ...workflowExecution, activityId };
}

/** Starts the lock with the first that asks. @returns null where it has been acquired, else who holds it */
async function ask(temporal: Client, asked: Acquisition, updateId: string): Promise<Holder | null> {
  const startWorkflowOperation = new WithStartWorkflowOperation<typeof operations>('operations', {
    workflowId: OPERATIONS_ID,
    taskQueue: TASK_QUEUES.ops,
    args: [{}],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'The lock of backup, restore, retention and erasure',
    typedSearchAttributes: [{ key: ProcessAttribute, value: 'operations' }],
  });
  try {
    await temporal.workflow.executeUpdateWithStart(acquire, { args: [asked], updateId, startWorkflowOperation });
    return null;
  } catch (error) {
    const { cause } = error as Error;
    if (cause instanceof ApplicationFailure && cause.type === HELD) return cause.details?.[0] as Holder;
    throw error;
  }
}

/** Its workflow has ended, or runs again: then it does not know that it held the lock, and asks for it if it needs it. */
async function isGone(temporal: Client, { workflowId, firstRunId }: Claimant): Promise<boolean> {
  try {
    const { closeTime, raw } = await temporal.workflow.getHandle(workflowId).describe();
    const { firstRunId: first } = raw.workflowExecutionInfo ?? {};
    return closeTime !== undefined || (Boolean(first) && first !== firstRunId);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}
