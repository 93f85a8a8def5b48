// Lets what a request writes and calls carry its trace.
import type { RequestHandler } from 'express';
import type { Telemetry } from '../ops/runtime/telemetry';
import { withTraceparent } from '../ops/runtime/trace-context';

export const traceRequests =
  ({ traceparent }: Pick<Telemetry, 'traceparent'>): RequestHandler =>
  (_request, _response, next) =>
    withTraceparent(traceparent(), next);
