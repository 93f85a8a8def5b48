// A Countersign with real processes and servers of its own for the canary person: everything that it writes lies in folders of
// its own, and everything that it rests on can be taken away.
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { SMTPServer } from 'smtp-server';
import { Messages } from '../../ops/local/mailbox/messages';
import { createSmtpServer } from '../../ops/local/mailbox/smtp';
import { startRedis } from '../../ops/local/redis';
import { takeDatabaseAway } from '../support/database-away';
import { ADMIN_PASSWORD, newFolder } from '../support/environment';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../support/hubspot-server';
import { OwnServer, startOwnTemporal } from '../support/own-server';
import type { ServiceProcess } from '../support/processes';
import { type SentryServer, startSentryServer } from '../support/sentry-server';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { EMAIL } from './canary-person';

export type Headers = Record<string, string>;
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects.
  body: any;
  cookies: string;
}

export const ADMIN: Headers = { 'x-admin-token': ADMIN_PASSWORD };
const IN_PATH = encodeURIComponent(EMAIL);
const TRACE = '0af7651916cd43dd8448eb211c80319c';
/** What any client may send along. */
const SAYS_MUCH: Headers = {
  'x-request-id': EMAIL,
  'user-agent': EMAIL,
  referer: `https://example.org/${EMAIL}`,
  traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
  'sentry-trace': `${TRACE}-b7ad6b7169203331-1`,
  baggage: `sentry-trace_id=${TRACE},sentry-transaction=${IN_PATH},sentry-user=${IN_PATH}`,
};

export class CanaryService {
  readonly api: ServiceProcess;
  readonly worker: ServiceProcess;
  private readonly url: string;

  private constructor(
    readonly base: TestService,
    readonly temporal: OwnServer,
    readonly redisServer: OwnServer,
    readonly redis: Redis,
    readonly sentry: SentryServer,
    readonly hubspot: HubspotServer,
    readonly mailbox: string,
    private readonly smtp: SMTPServer,
  ) {
    this.url = `http://127.0.0.1:${base.environment.PORT}`;
    this.api = base.start('api', 'api/main.js');
    this.worker = base.startWorker();
  }

  static async start(): Promise<CanaryService> {
    const [temporal, redisServer, sentry, hubspot] = await Promise.all([
      startOwnTemporal(),
      OwnServer.start(startRedis, 'own-redis'),
      startSentryServer(),
      startHubspotServer(),
    ]);
    const mailbox = newFolder('mailbox');
    const smtp = createSmtpServer(new Messages(mailbox));
    await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
    const base = await TestService.create({
      temporalAddress: temporal.address,
      environment: {
        LOG_LEVEL: 'trace',
        REDIS_URL: redisServer.url,
        SMTP_URL: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
        SENTRY_DSN: sentry.dsn,
        SENTRY_TRACES_SAMPLE_RATE: '1',
        HUBSPOT_ACCESS_TOKEN: HUBSPOT_TOKEN,
        HUBSPOT_BASE_URL: hubspot.url,
        MAILBOX_PATH: mailbox,
        SCAN_PATHS: [temporal.folder, redisServer.folder, mailbox].join(','),
      },
    });
    const redis = new Redis(redisServer.url);
    const service = new CanaryService(base, temporal, redisServer, redis, sentry, hubspot, mailbox, smtp);
    await service.ready();
    return service;
  }

  ready(): Promise<boolean> {
    const ask = () => fetch(`${this.url}/ready`).catch(() => null);
    return until('the API is ready', async () => (await ask())?.ok ?? false);
  }
  folder(name: 'FILES_URL' | 'BACKUP_URL'): string {
    return fileURLToPath(this.base.environment[name] as string);
  }

  async ask(method: string, path: string, headers: Headers, body?: unknown): Promise<Answer> {
    const isForm = body instanceof FormData;
    const response = await fetch(this.url + path, {
      method,
      headers: { ...SAYS_MUCH, ...(isForm ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? null : isForm || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const said = await response.text();
    const cookies = response.headers.getSetCookie().map((one) => one.split(';')[0]);
    return {
      status: response.status,
      body: said.startsWith('{') ? JSON.parse(said) : said,
      cookies: cookies.join('; '),
    };
  }
  /** As no HTTP library would send it. */
  async sendRaw(bytes: string): Promise<string> {
    const socket = connect(Number(this.base.environment.PORT), '127.0.0.1');
    socket.end(bytes);
    return text(socket);
  }
  async keyFor(name: string, role: string, more: object = {}): Promise<{ key: string; bearer: Headers }> {
    const { body } = await this.ask('POST', '/api/keys', ADMIN, { name, roles: [role], ...more });
    return { key: body.key, bearer: { authorization: `Bearer ${body.key}` } };
  }

  /** PostgreSQL refuses, and says the row in its message, as a constraint does. @returns what ends it */
  async quoteRows(table: string, when: string): Promise<() => Promise<unknown>> {
    const { pool } = this.base.database;
    await pool.query(`CREATE FUNCTION quote_row() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'It may not be: % %', OLD, NEW USING DETAIL = '${EMAIL}', ERRCODE = '23514'; END $$`);
    await pool.query(`CREATE TRIGGER quoting BEFORE ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION quote_row()`);
    return () => pool.query(`DROP TRIGGER quoting ON ${table}; DROP FUNCTION quote_row`);
  }
  /** @returns what brings it back */
  takeDatabaseAway(): Promise<() => Promise<unknown>> {
    return takeDatabaseAway(this.base.database.url);
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.base.close();
    await new Promise<void>((resolve) => this.smtp.close(() => resolve()));
    await Promise.all([this.temporal.stop(), this.redisServer.stop(), this.sentry.close(), this.hubspot.close()]);
  }
}
