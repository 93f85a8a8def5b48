// Logs and observes each request once, by its route's pattern: never its path, its query, its headers or its body.
import type { RequestHandler } from 'express';
import { uuidv7 } from 'uuidv7';
import { clientRequestId } from './client-request-id';
import type { AppDependencies } from './dependencies';
import { UUID } from './schemas/text';

const QUIET = /^\/(health|healthz|ready|startup)$/;

/** @param routeOf the pattern of a request that failed before its route was reached, for instance while the database is away */
export function logRequests(
  { logger, observe }: Pick<AppDependencies, 'logger' | 'observe'>,
  routeOf: (method: string, path: string) => string | null,
): RequestHandler {
  return (request, response, next) => {
    const given = clientRequestId(request.headers['x-request-id']);
    // Audit events hold UUIDs: ours, unless the client's own is one.
    const requestId = given && UUID.test(given) ? given.toLowerCase() : uuidv7();
    const clientId = given?.toLowerCase() === requestId ? null : given;
    response.locals.requestId = requestId;
    response.setHeader('X-Request-Id', clientId ?? requestId);
    response.setHeader('X-Countersign-Request-Id', requestId);
    const { path } = request;
    const began = performance.now();
    response.once('close', () => {
      const { method } = request;
      const route = response.locals.route ?? request.route?.path ?? routeOf(method, path) ?? 'unmatched';
      response.locals.route = route;
      const status = response.statusCode;
      const ms = performance.now() - began;
      observe({ method, route, status, seconds: ms / 1000 });
      const { err } = response.locals;
      const line = {
        requestId,
        ...(clientId ? { clientRequestId: clientId } : {}),
        method,
        route,
        status,
        ms: Math.round(ms * 10) / 10,
        actor: response.locals.identity?.actor.id,
        ...(response.writableFinished ? {} : { cutOff: true }),
        ...(err ? { err } : {}),
      };
      if (QUIET.test(route)) logger.debug(line, 'request');
      else if (status >= 500) logger.error(line, 'request failed');
      else logger.info(line, 'request');
    });
    next();
  };
}
