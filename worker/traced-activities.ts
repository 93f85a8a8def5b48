// Continues a request's trace in its activities, and notes as faults what fails in them.
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { noteFault } from '../ops/runtime/faults';
import { describeError } from '../ops/runtime/logging';
import type { Telemetry } from '../ops/runtime/telemetry';
import { traceparentIn } from '../ops/runtime/trace-calls';
import { isExpected } from '../workflows/expected-failures';
import { draftOf } from './workflow-sinks';

export const tracedActivities =
  (telemetry: Telemetry): ActivityInterceptorsFactory =>
  ({ info }) => {
    const { activityType: activity, attempt, workflowType, workflowExecution } = info;
    const { workflowId } = workflowExecution ?? {};
    const ids = { workflowId, draftId: draftOf(workflowId) };
    return {
      inbound: {
        async execute(input, next) {
          try {
            const segment = { name: `activity ${activity}`, op: 'temporal.activity', ...ids } as const;
            return await telemetry.trace(traceparentIn(input.headers), segment, () => next(input));
          } catch (error) {
            const { type, code } = describeFailure(error);
            const name = `${activity}: ${type}`;
            const context = { ...ids, workflowType, activity, attempt, code };
            if (!isExpected(error)) noteFault({ name, error, attempts: attempt, context });
            throw error;
          }
        },
      },
    };
  };

const CODE = /^[\w.:-]{1,64}$/;

/** Of our own failures the message is mostly a code. */
function describeFailure(error: unknown): { type: unknown; code?: string } {
  if (!(error instanceof ApplicationFailure)) return { type: describeError(error).type };
  return { type: error.type, ...(CODE.test(error.message) ? { code: error.message } : {}) };
}
