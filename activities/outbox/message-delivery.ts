// A message of the outbox becomes a signal to its process, which is started where it does not run yet.
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';
import { type DraftState, draftApprovalId, isFinal } from '../../workflows/contracts/draft-approval';
import { cleanupWorkflowId } from '../../workflows/contracts/draft-retention';
import { personExportId } from '../../workflows/contracts/person-export';
import { DraftStatusAttribute, ProcessAttribute } from '../../workflows/contracts/search-attributes';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { type ErasureState, hasEnded, userErasureId } from '../../workflows/contracts/user-erasure';

/** A process's newest state, by the process's name and the id of what it is about. */
export interface Message {
  process: ProcessName;
  entityId: string;
  /** Ids and codes only. */
  state: { generation: number; version: number; status: string };
  /** The trace of the request that wrote it. */
  traceparent?: string | null;
}

interface Process {
  workflowId(id: string): string;
  input(id: string): unknown;
  summary(id: string): string;
  attributes?(state: Message['state']): SearchAttributePair[];
  /** A late message starts it again, where it reads its row and ends: so one that was terminated is not lost. */
  startsAgain?: true;
  /** Whether it has nothing left to do: then it is not started again. */
  isOver(state: Message['state']): boolean;
}

/** What the outbox starts, by the workflow's name. */
const PROCESSES = {
  draftApproval: {
    workflowId: draftApprovalId,
    input: (draftId) => ({ draftId }),
    summary: (draftId) => `Approval of draft ${draftId}`,
    // One that begins approved is released at once, and every change of the attribute is a write more.
    attributes: ({ status }) => [
      { key: DraftStatusAttribute, value: status === 'approved' ? 'scheduled' : (status as DraftState['status']) },
    ],
    isOver: (state) => isFinal(state as DraftState),
  },
  userErasure: {
    workflowId: userErasureId,
    input: (requestId) => ({ requestId }),
    summary: (requestId) => `Erasure ${requestId}`,
    startsAgain: true,
    isOver: (state) => hasEnded(state as ErasureState),
  },
  personExport: {
    workflowId: personExportId,
    input: (exportId) => ({ exportId }),
    summary: (exportId) => `Export ${exportId}`,
    startsAgain: true,
    isOver: ({ status }) => status !== 'pending',
  },
  draftRetention: {
    workflowId: cleanupWorkflowId,
    input: (cleanupId) => ({ cleanupId }),
    summary: (cleanupId) => `Retention of drafts, run ${cleanupId}`,
    isOver: ({ status }) => status !== 'running',
  },
} satisfies Record<string, Process>;
export type ProcessName = keyof typeof PROCESSES;

/** Returns the id of the workflow that a message is for. A newer build may have written one for a process unknown here. */
export const workflowIdOf = (process: string, entityId: string): string =>
  (PROCESSES as Record<string, Process>)[process]?.workflowId(entityId) ?? entityId;

const ANSWERS_WITHIN_MS = 3_000;

/** Repeats do no harm. Throws where Temporal did not take it. */
export async function deliverMessage(temporal: Client, message: Message): Promise<void> {
  await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, async () => {
    try {
      await signal(temporal, message);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      // It has come to its end, so it knows more than this message does; unless a restore has opened it again.
      if (await isOpenAgain(temporal, message)) await signal(temporal, message, { again: true });
    }
  });
}

/** Only what had come to its own end: one that an operator has terminated stays so. */
async function isOpenAgain(temporal: Client, { process, entityId, state }: Message): Promise<boolean> {
  const { workflowId, isOver }: Process = PROCESSES[process];
  if (state.generation === 1 || isOver(state)) return false;
  const { status } = await temporal.workflow.getHandle(workflowId(entityId)).describe();
  return status.name === 'COMPLETED';
}

function signal(temporal: Client, { process, entityId, state }: Message, { again = false } = {}) {
  const { workflowId, input, summary, attributes, startsAgain }: Process = PROCESSES[process];
  return temporal.workflow.signalWithStart(process, {
    workflowId: workflowId(entityId),
    taskQueue: TASK_QUEUES.processes,
    args: [input(entityId)],
    signal: 'changed',
    signalArgs: [state],
    workflowIdReusePolicy: startsAgain || again ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: summary(entityId),
    typedSearchAttributes: [{ key: ProcessAttribute, value: process }, ...(attributes?.(state) ?? [])],
  });
}
