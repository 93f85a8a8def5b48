// Carries a request's trace through a workflow to its activities, and tells the worker of failures. Adds no command to a history.
import { ApplicationFailure, defaultPayloadConverter, type Headers } from '@temporalio/common';
import { ContinueAsNew, proxySinks, TemporalFailure, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { type TelemetrySinks, TRACE_HEADER, type WorkflowFailure } from './contracts/telemetry';
import { isExpected, rootOf } from './expected-failures';

const CODE = /^[\w.:-]{1,64}$/;

export const interceptors: WorkflowInterceptorsFactory = () => {
  const { telemetry } = proxySinks<TelemetrySinks>();
  let trace: { traceparent: string; startedAt: number } | null = null;

  /** The request that started the run, or the last that signalled it: what the run does next, it does for that one. */
  function follow(headers: Headers): void {
    const header = headers[TRACE_HEADER];
    if (!header) return;
    const traceparent = defaultPayloadConverter.fromPayload<unknown>(header);
    // What its own activities signal is of the same trace.
    if (typeof traceparent !== 'string' || traceIdOf(traceparent) === traceIdOf(trace?.traceparent)) return;
    end();
    trace = { traceparent, startedAt: Date.now() };
  }
  function end(): void {
    // Each call goes from the workflow's thread to the worker's: nobody wants that of a trace that is not sampled.
    if (trace?.traceparent.endsWith(SAMPLED)) telemetry.worked({ ...trace, endedAt: Date.now() });
    trace = null;
  }
  function carry<T extends { headers: Headers }>(input: T): T {
    if (!trace) return input;
    const header = defaultPayloadConverter.toPayload(trace.traceparent);
    return { ...input, headers: { ...input.headers, [TRACE_HEADER]: header } };
  }

  return {
    inbound: [
      {
        async execute(input, next) {
          follow(input.headers);
          try {
            return await next(input);
          } catch (error) {
            if (!(error instanceof ContinueAsNew) && !isExpected(error)) telemetry.failed(describe(error));
            throw error;
          } finally {
            end();
          }
        },
        handleSignal(input, next) {
          follow(input.headers);
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(carry(input)),
        scheduleLocalActivity: (input, next) => next(carry(input)),
      },
    ],
  };
};

const SAMPLED = '-01';
const traceIdOf = (traceparent = '') => traceparent.split('-')[1];

function describe(error: unknown): WorkflowFailure {
  const root = rootOf(error);
  if (root instanceof ApplicationFailure) {
    return { type: root.type ?? 'ApplicationFailure', ...(CODE.test(root.message) ? { code: root.message } : {}) };
  }
  if (!(root instanceof Error)) return { type: typeof root };
  // Anything else than a Temporal failure fails the task, which is tried for ever: a fault in the code.
  return { type: root.name, ...(root instanceof TemporalFailure ? {} : { stack: root.stack ?? '' }) };
}
