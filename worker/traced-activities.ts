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
            const name = `${activity}: ${typeOf(error)}`;
            const context = { ...ids, workflowType, activity, attempt };
            if (!isExpected(error)) noteFault({ name, error, attempts: attempt, context });
            throw error;
          }
        },
      },
    };
  };

const typeOf = (error: unknown): unknown =>
  error instanceof ApplicationFailure ? error.type : describeError(error).type;
