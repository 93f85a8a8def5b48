// Limits what connections may cost: how many there are, and how long each may take for what it sends and reads.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { ipKeyGenerator } from 'express-rate-limit';
import { answerUnparsed, TOO_MANY_CONNECTIONS } from './failures';

export interface ConnectionLimits {
  /** Of all clients together. */
  most: number;
  /** Of one client's address (IPv6: of its /56 network); null behind a proxy, whose address stands for all. */
  mostPerClient: number | null;
  /** Within so long all headers of a request have arrived. */
  headersMs: number;
  /** Within so long a request has arrived, with its body. */
  requestMs: number;
  /** A connection on which nothing moved for so long in the middle of a request or an answer is closed. */
  stalledMs: number;
  /** An unused connection is kept for so long: longer than load balancers do, so that we never close one just as it is used. */
  idleMs: number;
}

export const TIMES = { headersMs: 15_000, requestMs: 300_000, stalledMs: 120_000, idleMs: 75_000 };
/** Node would drop what comes after so many; we refuse the request. */
export const MOST_HEADERS = 100;
/** Node looks so often for requests that take too long. */
const CHECKS_EACH_MS = 1_000;

export const SERVER_OPTIONS = { maxHeaderSize: 16_384, connectionsCheckingInterval: CHECKS_EACH_MS };

export function limitConnections(server: Server, limits: ConnectionLimits): void {
  server.maxConnections = limits.most;
  server.maxHeadersCount = 0;
  server.headersTimeout = limits.headersMs;
  server.requestTimeout = limits.requestMs;
  server.timeout = limits.stalledMs;
  server.keepAliveTimeout = limits.idleMs;
  const { mostPerClient } = limits;
  if (mostPerClient === null) return;

  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const client = ipKeyGenerator(socket.remoteAddress ?? '');
    const others = open.get(client) ?? 0;
    if (others >= mostPerClient) {
      answerUnparsed(Object.assign(new Error('One too many'), { code: TOO_MANY_CONNECTIONS }), socket);
      // Whatever it sends is not parsed any more.
      return socket.destroySoon();
    }
    open.set(client, others + 1);
    socket.once('close', () => {
      const left = (open.get(client) ?? 1) - 1;
      if (left > 0) open.set(client, left);
      else open.delete(client);
    });
  });
}
