// Lets what a request writes and calls carry a trace. One that a client sends along is not continued: it could be of any size
// and bring names of its own.
import type { RequestHandler } from 'express';
import type { Telemetry } from '../ops/runtime/telemetry';

/** Goes after `logRequests`, which says at the end what the route was. */
export const traceRequests =
  ({ begin }: Pick<Telemetry, 'begin'>): RequestHandler =>
  ({ method }, response, next) => {
    const end = begin(next);
    response.once('close', () => end({ method, route: response.locals.route, status: response.statusCode }));
  };
