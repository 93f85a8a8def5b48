// One line and one observation a request: its route's pattern, never its path, its query, its headers or its body.
import type { RequestHandler } from 'express';
import { uuidv7 } from 'uuidv7';
import type { AppDependencies } from './dependencies';
import { UUID } from './schemas/text';

const QUIET = /^\/(health|healthz|ready|startup)$/;

export function logRequests({ logger, observe }: Pick<AppDependencies, 'logger' | 'observe'>): RequestHandler {
  return (request, response, next) => {
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && UUID.test(given) ? given.toLowerCase() : uuidv7();
    response.locals.requestId = requestId;
    response.setHeader('X-Request-Id', requestId);
    const began = performance.now();
    response.once('close', () => {
      const { method } = request;
      const route = response.locals.route ?? request.route?.path ?? 'unmatched';
      const status = response.statusCode;
      const ms = performance.now() - began;
      observe({ method, route, status, seconds: ms / 1000 });
      const { err } = response.locals;
      const line = {
        requestId,
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
