// Takes from workflows what is not part of their history: where a trace went, and why a run failed. Not during a replay.
import type { InjectedSinks } from '@temporalio/worker';
import { noteFault } from '../ops/runtime/faults';
import type { Telemetry } from '../ops/runtime/telemetry';
import { draftApprovalId } from '../workflows/contracts/draft-approval';
import type { TelemetrySinks } from '../workflows/contracts/telemetry';

export const workflowSinks = (telemetry: Telemetry): InjectedSinks<TelemetrySinks> => ({
  telemetry: {
    failed: {
      fn({ workflowType, workflowId }, { type, code, stack = '' }) {
        const error = Object.assign(new Error(), { name: type, code, stack });
        const context = { workflowType, workflowId, draftId: draftOf(workflowId) };
        noteFault({ name: `${workflowType}: ${type}`, error, attempts: 'permanent', context });
      },
    },
    worked: {
      fn({ workflowType, workflowId }, { traceparent, ...times }) {
        const ids = { workflowId, draftId: draftOf(workflowId) };
        telemetry.record(traceparent, { name: `workflow ${workflowType}`, op: 'temporal.workflow', ...ids }, times);
      },
    },
  },
});

const DRAFT = draftApprovalId('');

/** Returns undefined for a workflow of anything else. */
export const draftOf = (workflowId = ''): string | undefined =>
  workflowId.startsWith(DRAFT) && UUID.test(workflowId.slice(DRAFT.length))
    ? workflowId.slice(DRAFT.length)
    : undefined;

const UUID = /^[0-9a-f-]{36}$/;
