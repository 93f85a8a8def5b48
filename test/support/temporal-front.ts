// Terminates TLS in front of the real Temporal server and checks API keys, as Temporal Cloud does.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  connect,
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Authority } from './certificates';

const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;
const OPERATORS_ONLY = [/OperatorService/, /\/UpdateNamespace$/];
/** HTTP/2 makes these itself. */
const OWN_HEADERS = ['connection', 'host', 'transfer-encoding', ':authority', ':scheme'];

export interface FrontOptions {
  /** The host and port of the server behind it. */
  to: string;
  authority: Authority;
  /** The name in its certificate. */
  host?: string;
  /** Signs the certificates that clients must show; without it clients show none. */
  clients?: Authority;
}

export class TemporalFront {
  /** Null: every call passes. */
  key: string | null = null;
  /** Refuses what Temporal Cloud lets only operators do: search attributes and the retention. */
  isCloud = false;
  accepted = 0;
  refused = 0;
  private readonly sessions = new Set<ServerHttp2Session>();
  private behind: ClientHttp2Session;

  private constructor(
    private readonly to: string,
    private readonly server: ReturnType<typeof createSecureServer>,
  ) {
    this.behind = this.connectBehind();
    server.on('stream', (stream, headers) => this.answer(stream, headers));
    server.on('session', (session) => {
      this.sessions.add(session);
      session.on('close', () => this.sessions.delete(session)).on('error', () => {});
    });
    server.on('sessionError', () => {});
  }

  static async open({ to, authority, host = 'localhost', clients }: FrontOptions): Promise<TemporalFront> {
    const { cert, key } = await authority.issue(host, 'serverAuth', [host]);
    const server = createSecureServer({
      cert: readFileSync(cert),
      key: readFileSync(key),
      ...(clients ? { ca: readFileSync(clients.cert), requestCert: true, rejectUnauthorized: true } : {}),
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new TemporalFront(to, server);
  }

  /** As host:port. */
  get address(): string {
    return `localhost:${(this.server.address() as AddressInfo).port}`;
  }

  /** Polls that are under way would wait for up to a minute. */
  breakConnections(): void {
    for (const session of this.sessions) session.destroy();
  }

  async close(): Promise<void> {
    this.breakConnections();
    this.behind.destroy();
    await new Promise((closed) => this.server.close(closed));
  }

  private connectBehind(): ClientHttp2Session {
    return connect(`http://${this.to}`).on('error', () => {});
  }

  private answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => {});
    const refusal = this.refusalOf(headers);
    if (refusal === null) {
      this.accepted++;
      this.forward(stream, headers);
    } else {
      this.refused++;
      stream.respond({ 'content-type': 'application/grpc', ...refusal }, { endStream: true });
      stream.resume();
    }
  }

  private refusalOf(headers: IncomingHttpHeaders) {
    if (this.key !== null && headers.authorization !== `Bearer ${this.key}`) {
      return { 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'Request unauthorized.' };
    }
    if (this.isCloud && OPERATORS_ONLY.some((pattern) => pattern.test(String(headers[':path'])))) {
      return { 'grpc-status': PERMISSION_DENIED, 'grpc-message': 'Request unauthorized.' };
    }
    return null;
  }

  private forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    if (this.behind.closed || this.behind.destroyed) this.behind = this.connectBehind();
    const request = this.behind.request(
      Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.includes(name))),
    );
    let trailers: IncomingHttpHeaders = {};
    request.on('response', (answer, flags) => {
      const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      if (stream.closed || stream.destroyed) return;
      stream.respond(answer, { endStream, waitForTrailers: !endStream });
    });
    request.on('trailers', (sent) => {
      trailers = sent;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('close', () => request.close(constants.NGHTTP2_CANCEL));
    request.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
    stream.pipe(request).pipe(stream);
  }
}
