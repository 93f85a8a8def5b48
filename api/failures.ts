// How a failure is answered: what no route takes, what a route throws, what never becomes a request.
import type { Duplex } from 'node:stream';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { uuidv7 } from 'uuidv7';
import { noteFault } from '../ops/runtime/faults';
import type { AppDependencies } from './dependencies';
import type { Documented } from './endpoint';
import { Problem, problemOf } from './problems';
import { createRouteFinder } from './route-patterns';

const TYPE = 'application/problem+json; charset=utf-8';

/** Before the routes: lets pass what one of them takes, or none of them knows. */
export function onlyKnownMethods(routes: readonly Documented[]): RequestHandler {
  const find = createRouteFinder(routes);
  return (request, response, next) => {
    const methods = find(request.path).map(({ method }) => method);
    const allowed = [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))];
    if (allowed.length === 0 || allowed.includes(request.method)) return next();
    const headers = { Allow: allowed.join(', ') };
    if (request.method === 'OPTIONS') return void response.status(204).set(headers).end();
    throw new Problem('method-not-allowed', `Only ${headers.Allow} here.`, { headers });
  };
}

export const noSuchRoute: RequestHandler = () => {
  throw new Problem('not-found', 'There is no such route.');
};

export function answerFailures({ telemetry }: Pick<AppDependencies, 'telemetry'>): ErrorRequestHandler {
  return (error, request, response, _next) => {
    const problem = problemOf(error);
    const { requestId } = response.locals;
    if (problem.status >= 500) response.locals.err = problem.more.cause ?? problem;
    if (problem.status >= 500 && problem.code !== 'too-many-changes') {
      const route = `${request.method} ${request.route?.path ?? 'unmatched'}`;
      const context = { requestId, route, principal: response.locals.identity?.actor.id };
      const { cause = problem } = problem.more;
      if (problem.code === 'internal-error') telemetry.report(cause, context);
      else noteFault({ name: problem.code, error: cause, context });
    }
    // Half of an answer can't be taken back.
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // Whoever still sends hears of it only when they have finished.
    if (!request.complete) request.resume();
    sendProblem(response, problem);
  };
}

export function sendProblem(response: Response, problem: Problem): void {
  const { requestId } = response.locals;
  response
    .status(problem.status)
    .set(problem.more.headers ?? {})
    .set('Content-Type', TYPE);
  response.send(JSON.stringify(problem.toJSON(requestId)));
}

export const HEADER_OVERFLOW = 'HPE_HEADER_OVERFLOW';
export const TOO_MANY_CONNECTIONS = 'ERR_TOO_MANY_CONNECTIONS';

/** For what is no request, so that there is no response either: node's `clientError`, for instance. */
export function answerUnparsed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const problem = unparsed(error.code);
  const requestId = uuidv7();
  const body = JSON.stringify(problem.toJSON(requestId));
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `Content-Type: ${TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    `X-Countersign-Request-Id: ${requestId}`,
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function unparsed(code: string | undefined): Problem {
  if (code === HEADER_OVERFLOW) {
    return new Problem('header-too-large', 'All headers together may have 16 KiB and 100 lines.');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request-timeout', 'It did not arrive in time.');
  if (code === TOO_MANY_CONNECTIONS) {
    return new Problem(
      'too-many-requests',
      'This client has too many connections open: close some, or use them again.',
    );
  }
  return new Problem('malformed-request', 'This is no HTTP request.');
}
