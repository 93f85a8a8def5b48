// Where Sentry's SDK reports to in a test: keeps the bytes of every envelope, unpacked.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

export interface SentryServer {
  /** SENTRY_DSN */
  dsn: string;
  envelopes: Buffer[];
  close(): Promise<void>;
}

export async function startSentryServer(): Promise<SentryServer> {
  const envelopes: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => Buffer.alloc(0));
    const head = Buffer.from(`${request.method} ${request.url} ${request.rawHeaders.join(' ')}\n`);
    envelopes.push(head, request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    dsn: `http://0123456789abcdef0123456789abcdef@127.0.0.1:${(server.address() as AddressInfo).port}/1`,
    envelopes,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
