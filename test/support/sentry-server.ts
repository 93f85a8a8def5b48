// Where Sentry's SDK reports to in a test: keeps the bytes of every envelope, unpacked, and decodes them as Sentry does.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

// biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects.
type Json = any;

export interface SentryServer {
  /** SENTRY_DSN */
  dsn: string;
  envelopes: Buffer[];
  /** The error events so far. */
  errors(): Json[];
  /** The spans so far, their attributes as plain values. */
  spans(): Json[];
  /** The types of all items so far. */
  itemTypes(): Set<string>;
  close(): Promise<void>;
}

export async function startSentryServer(): Promise<SentryServer> {
  const envelopes: Buffer[] = [];
  const items: Item[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => Buffer.alloc(0));
    const head = Buffer.from(`${request.method} ${request.url} ${request.rawHeaders.join(' ')}\n`);
    const unpacked = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    envelopes.push(head, unpacked);
    if (request.url?.includes('/envelope/')) items.push(...decode(unpacked));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ofType = (type: string) => items.filter((item) => item.type === type);
  return {
    dsn: `http://0123456789abcdef0123456789abcdef@127.0.0.1:${(server.address() as AddressInfo).port}/1`,
    envelopes,
    errors: () => ofType('event').map(({ payload }) => payload),
    spans: () => ofType('span').flatMap(({ payload, trace }) => payload.items.map((span: Json) => toSpan(span, trace))),
    itemTypes: () => new Set(items.map(({ type }) => type)),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Item {
  type: string;
  payload: Json;
  /** Of the envelope: what Sentry samples by. */
  trace: Json;
}

/** An envelope is a line of headers, then for each item a line of headers and a payload, of `length` bytes or one line. */
function decode(envelope: Buffer): Item[] {
  let at = 0;
  const line = () => {
    const end = envelope.indexOf('\n', at);
    const read = envelope.subarray(at, end < 0 ? envelope.length : end);
    at += read.length + 1;
    return read.toString();
  };
  const { trace } = JSON.parse(line());
  const items: Item[] = [];
  while (at < envelope.length) {
    const { type, length } = JSON.parse(line());
    const payload = length === undefined ? line() : envelope.subarray(at, at + length).toString();
    if (length !== undefined) at += length + 1;
    items.push({ type, payload: JSON.parse(payload), trace });
  }
  return items;
}

function toSpan({ attributes = {}, ...span }: Json, trace: Json): Json {
  const plain = Object.entries<Json>(attributes).map(([name, { value }]) => [name, value]);
  return { ...span, attributes: Object.fromEntries(plain), trace };
}
