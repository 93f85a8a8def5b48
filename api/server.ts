// The HTTP server around the app: what the parser refuses is answered too, and what was accepted is finished before the end.
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type Listening, listenOn } from '../ops/runtime/listening';
import { type ConnectionLimits, limitConnections, MOST_HEADERS, SERVER_OPTIONS } from './connections';
import { answerUnparsed, HEADER_OVERFLOW } from './failures';

export interface ApiServer {
  server: Server;
  listen(where: Listening): Promise<void>;
  /** Resolves when everything that was accepted is answered. As long as requests come, for up to ten seconds, they are taken. */
  drain(): Promise<void>;
  cutOff(): void;
}

/** A load balancer that looks each ten seconds whether we are ready has noticed by then. */
const TAKES_MORE_MS = 10_000;
/** A client may be about to use its open connection again until no request has come for so long. */
const QUIET_MS = 1_000;

/** A connection that waits to be accepted would be reset by the end of the listener: two turns accept it and read its request. */
async function untilRead(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
}

export function createApiServer(app: RequestListener, limits: ConnectionLimits): ApiServer {
  const answering = new Map<ServerResponse, Promise<void>>();
  let lastAsked = Number.NEGATIVE_INFINITY;
  const take: RequestListener = (request, response) => {
    if (request.headers.host === undefined && request.httpVersion === '1.1') {
      return answerUnparsed(new Error('No host is named'), request.socket);
    }
    if (request.rawHeaders.length > 2 * MOST_HEADERS) {
      return answerUnparsed(Object.assign(new Error('Too many headers'), { code: HEADER_OVERFLOW }), request.socket);
    }
    const answered = new Promise<void>((resolve) => {
      response.once('close', () => {
        answering.delete(response);
        resolve();
      });
    });
    answering.set(response, answered);
    lastAsked = performance.now();
    app(request, response);
  };
  const server = createServer({ requireHostHeader: false, ...SERVER_OPTIONS }, take);
  // An expectation that nobody knows may be passed over; node's own answer to it would be no problem document.
  server.on('checkExpectation', take);
  limitConnections(server, limits);
  server.on('clientError', answerUnparsed);
  const answerAll = async () => {
    for (const response of answering.keys()) response.shouldKeepAlive = false;
    await Promise.all(answering.values());
  };
  return {
    server,
    listen: (where) => listenOn(server, where),
    async drain() {
      const until = performance.now() + TAKES_MORE_MS;
      const isAsked = () => answering.size > 0 || performance.now() < lastAsked + QUIET_MS;
      do {
        await answerAll();
        await untilRead();
      } while (isAsked() && performance.now() < until);
      server.close();
      while (answering.size > 0) await answerAll();
      server.closeAllConnections();
    },
    cutOff() {
      server.close();
      server.closeAllConnections();
    },
  };
}
