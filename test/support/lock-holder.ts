// A holder of the operations lock that a test plays: a workflow that is open and does nothing, like a backup that takes long.
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { operations } from '../../workflows';
import {
  acquire,
  type Claimant,
  type Holder,
  OPERATIONS_ID,
  release,
  state,
} from '../../workflows/contracts/operations';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import type { TestNamespace } from './temporal';

export interface LockHolder extends Claimant {
  release(): Promise<void>;
  /** As a crash or an operator ends it: the lock is not released. */
  end(): Promise<void>;
}

/** Nobody carries it out. */
const NOBODY = 'nobody';

export async function holdLock({ client }: TestNamespace, workflowId = 'backup-of-a-test'): Promise<LockHolder> {
  const handle = await client.workflow.start('mailDelivery', { workflowId, taskQueue: NOBODY, args: [{}] });
  const claim = { workflowId, firstRunId: handle.firstExecutionRunId };
  await client.workflow.executeUpdateWithStart(acquire, {
    args: [{ process: 'backup', ...claim }],
    startWorkflowOperation: new WithStartWorkflowOperation<typeof operations>('operations', {
      workflowId: OPERATIONS_ID,
      taskQueue: TASK_QUEUES.ops,
      args: [{}],
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  });
  return {
    ...claim,
    async release() {
      await client.workflow.getHandle(OPERATIONS_ID).executeUpdate(release, { args: [claim] });
    },
    async end() {
      await handle.terminate('the test says so');
    },
  };
}

/** Null: nobody has it. */
export const lockHolder = ({ client }: TestNamespace): Promise<Holder | null> =>
  client.workflow.getHandle(OPERATIONS_ID).query(state);
