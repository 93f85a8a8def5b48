// A message of the outbox becomes a signal to its process, which is started where it does not run yet.
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { draftApproval } from '../../workflows';
import { changed, type DraftState, draftApprovalId } from '../../workflows/contracts/draft-approval';
import { DraftStatusAttribute, ProcessAttribute } from '../../workflows/contracts/search-attributes';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';

/** The outbox knows its process by this name. */
export const PROCESS = 'draftApproval';

export interface Message {
  draftId: string;
  state: DraftState;
}

const ANSWERS_WITHIN_MS = 3_000;

/** Repeats do no harm. Throws where Temporal did not take it. */
export async function deliverMessage(temporal: Client, message: Message): Promise<void> {
  try {
    await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () => signal(temporal, message));
  } catch (error) {
    // It has come to its end, so it knows more than this message does.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

function signal(temporal: Client, { draftId, state }: Message) {
  return temporal.workflow.signalWithStart<typeof draftApproval, [DraftState]>(PROCESS, {
    workflowId: draftApprovalId(draftId),
    taskQueue: TASK_QUEUES.processes,
    args: [{ draftId }],
    signal: changed,
    signalArgs: [state],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `Approval of draft ${draftId}`,
    typedSearchAttributes: [
      { key: ProcessAttribute, value: PROCESS },
      { key: DraftStatusAttribute, value: state.status },
    ],
  });
}
