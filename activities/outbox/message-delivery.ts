// A message of the outbox becomes a signal to its process, which is started where it does not run yet.
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { joined } from '../../ops/runtime/joined';
import type { Database } from '../../prisma/client';
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
const FORGETS_EACH_MS = 50;

/** Repeats do no harm. Throws while Temporal is away; the message then stays in the outbox. */
export function createMessageDelivery({ db, temporal }: { db: Database; temporal: Client }) {
  const forget = joined(async (messages: readonly Message[]) => {
    await forgetDelivered(db, messages);
    return messages.map(() => null);
  }, FORGETS_EACH_MS);

  return async function deliver(message: Message): Promise<void> {
    try {
      await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () => signal(temporal, message));
    } catch (error) {
      // It has come to its end, so it knows more than this message does.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    // One that is not forgotten is only told again.
    forget(message).catch(() => {});
  };
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

/** A newer message of the same draft stays. */
async function forgetDelivered(db: Database, messages: readonly Message[]): Promise<void> {
  const delivered = messages.map(({ draftId, state: { generation, version } }) => ({
    id: draftId,
    generation,
    version,
  }));
  await db.$executeRaw`
    DELETE FROM outbox o USING jsonb_to_recordset(${JSON.stringify(delivered)}::jsonb) AS d (id uuid, generation int, version int)
    WHERE o.process = ${PROCESS} AND o.entity_id = d.id AND (o.generation, o.version) <= (d.generation, d.version)`;
}
