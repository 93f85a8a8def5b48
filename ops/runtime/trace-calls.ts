// Writes the trace of the request at work into the headers of what it starts, signals and updates in Temporal.
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { TRACE_HEADER } from '../../workflows/contracts/telemetry';
import { currentTraceparent } from './trace-context';

export const traceCalls: WorkflowClientInterceptor = {
  startWithDetails: (input, next) => next(carry(input)),
  signal: (input, next) => next(carry(input)),
  signalWithStart: (input, next) => next(carry(input)),
  startUpdate: (input, next) => next(carry(input)),
};

function carry<T extends { headers: Headers }>(input: T): T {
  const traceparent = currentTraceparent();
  if (traceparent === null) return input;
  const header = defaultPayloadConverter.toPayload(traceparent);
  return { ...input, headers: { ...input.headers, [TRACE_HEADER]: header } };
}

/** Returns null for what belongs to no trace. */
export const traceparentIn = ({ [TRACE_HEADER]: header }: Headers): string | null =>
  header ? defaultPayloadConverter.fromPayload<string>(header) : null;
