// A canary person through everything that Countersign does with a person, by real processes, until they are erased. At no time
// do logs, metrics, error reports, traces or Temporal know them; once they are certified as erased, nothing does.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import type { SMTPServer } from 'smtp-server';
import { createTemporalSource } from '../../activities/erasure-scan';
import { Messages } from '../../ops/local/mailbox/messages';
import { createSmtpServer } from '../../ops/local/mailbox/smtp';
import { startRedis } from '../../ops/local/redis';
import { REDIS_PREFIX } from '../../ops/runtime/redis';
import { collect } from '../support/collect';
import { onServer } from '../support/database';
import { ADMIN_PASSWORD, newFolder } from '../support/environment';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../support/hubspot-server';
import { OwnServer, startOwnTemporal } from '../support/own-server';
import type { ServiceProcess } from '../support/processes';
import { type SentryServer, startSentryServer } from '../support/sentry-server';
import { testServers } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { CANARY, EMAIL, tracesInFolder, tracesOfCanary } from './canary-person';

const IN_PATH = encodeURIComponent(EMAIL);
const TWICE = encodeURIComponent(IN_PATH);
const BOB = 'bob@elsewhere.example';

let service: TestService;
let temporal: OwnServer;
let redisServer: OwnServer;
let redis: Redis;
let sentry: SentryServer;
let hubspot: HubspotServer;
let smtp: SMTPServer;
let api: ServiceProcess;
let worker: ServiceProcess;
let url: string;
const mailbox = newFolder('mailbox');
const place = (name: 'FILES_URL' | 'BACKUP_URL') => fileURLToPath(service.environment[name] as string);

beforeAll(async () => {
  [temporal, redisServer, sentry, hubspot] = await Promise.all([
    startOwnTemporal(),
    OwnServer.start(startRedis, 'own-redis'),
    startSentryServer(),
    startHubspotServer(),
  ]);
  redis = new Redis(redisServer.url);
  smtp = createSmtpServer(new Messages(mailbox));
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  service = await TestService.create({
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
  url = `http://127.0.0.1:${service.environment.PORT}`;
  api = service.start('api', 'api/main.js');
  worker = service.startWorker();
  await until('the API is ready', async () => (await fetch(`${url}/ready`).catch(() => null))?.ok);
});
afterAll(async () => {
  redis?.disconnect();
  await service?.close();
  await new Promise<void>((resolve) => (smtp ? smtp.close(() => resolve()) : resolve()));
  await Promise.all([temporal?.stop(), redisServer?.stop(), sentry?.close(), hubspot?.close()]);
});

type Headers = Record<string, string>;
interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects.
  body: any;
  cookies: string;
}
const ADMIN = { 'x-admin-token': ADMIN_PASSWORD };
const SAYS_MUCH: Headers = {
  'x-request-id': EMAIL,
  'user-agent': EMAIL,
  referer: `https://example.org/${EMAIL}`,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'sentry-trace': '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1',
  baggage: `sentry-trace_id=0af7651916cd43dd8448eb211c80319c,sentry-transaction=${IN_PATH},sentry-user=${IN_PATH}`,
};

async function ask(method: string, path: string, headers: Headers, body?: unknown): Promise<Answer> {
  const isJson = body !== undefined && !(body instanceof FormData) && typeof body !== 'string';
  const response = await fetch(url + path, {
    method,
    headers: { ...SAYS_MUCH, ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : isJson ? JSON.stringify(body) : (body as string | FormData),
  });
  const said = await response.text();
  const cookies = response.headers.getSetCookie().map((one) => one.split(';')[0]);
  return { status: response.status, body: said.startsWith('{') ? JSON.parse(said) : said, cookies: cookies.join('; ') };
}
async function keyFor(name: string, role: string, more: object = {}): Promise<{ key: string; bearer: Headers }> {
  const { body } = await ask('POST', '/api/keys', ADMIN, { name, roles: [role], ...more });
  return { key: body.key, bearer: { authorization: `Bearer ${body.key}` } };
}
/** As no HTTP library would send it. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = connect(Number(service.environment.PORT), '127.0.0.1');
  socket.end(bytes);
  return text(socket);
}
const sql = (statement: string) => service.database.pool.query(statement);
/** PostgreSQL refuses, and says the row in its message, as a constraint does. */
async function quoteRows(table: string, when: string): Promise<void> {
  await sql(`CREATE OR REPLACE FUNCTION quote_row() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'It may not be: % %', OLD, NEW USING DETAIL = '${EMAIL}', ERRCODE = '23514'; END $$`);
  await sql(`CREATE TRIGGER quoting BEFORE ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION quote_row()`);
}
const stopQuoting = (table: string) => sql(`DROP TRIGGER quoting ON ${table}; DROP FUNCTION quote_row`);

async function hideDatabase() {
  const name = new URL(service.database.url).pathname.slice(1);
  const onPostgres = (statement: string) => onServer(testServers().postgres, statement);
  await onPostgres(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await onPostgres(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
  await until('nobody is connected', () =>
    onPostgres(`ALTER DATABASE ${name} RENAME TO ${name}_away`).then(
      () => true,
      () => false,
    ),
  );
  return {
    async bringBack() {
      await onPostgres(`ALTER DATABASE ${name}_away RENAME TO ${name}`);
      await onPostgres(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    },
  };
}

/** What the processes say of themselves. */
async function expectNobodyTold(): Promise<void> {
  const ports = [service.environment.METRICS_PORT, service.environment.WORKER_METRICS_PORT];
  const pages = await Promise.all(ports.map((port) => fetch(`http://127.0.0.1:${port}/metrics`)));
  const metrics = await Promise.all(pages.map((page) => page.text()));
  expect(metrics[0]).toContain('/api/gdpr/user/:email');
  const told = { api: api.log, worker: worker.log, metrics: metrics.join(''), sentry: sentry.envelopes.join('\n') };
  for (const [name, words] of Object.entries(told)) {
    expect(words.length).toBeGreaterThan(500);
    expect([name, tracesOfCanary(Buffer.from(words))]).toEqual([name, []]);
  }
}
/** What Temporal shows of each workflow, and what it has written to its disk. */
async function expectNobodyInTemporal(): Promise<void> {
  const { client, namespace } = service.temporal;
  const ids: string[] = [];
  const source = createTemporalSource(client, namespace);
  for await (const { place: id, chunks } of source.read({ email: EMAIL, fingerprints: [] })) {
    const bytes = chunks instanceof Uint8Array ? [chunks] : await collect(chunks);
    ids.push(id);
    expect([id, tracesOfCanary(Buffer.concat([Buffer.from(`${id}\n`), ...bytes]))]).toEqual([id, []]);
  }
  expect(ids).toEqual(expect.arrayContaining(['lane-email', expect.stringMatching(/^draft-/)]));
  expect(tracesInFolder(temporal.folder)).toEqual({});
}
/** Everything that may know a person until they are erased. */
async function whoKnows(): Promise<Record<string, string[]>> {
  const { stdout } = await promisify(execFile)('pg_dump', [service.database.url], {
    encoding: 'buffer',
    maxBuffer: 2 ** 28,
  });
  const dump = tracesOfCanary(stdout);
  const folders = [place('FILES_URL'), place('BACKUP_URL'), mailbox, redisServer.folder].map(tracesInFolder);
  return Object.assign({}, ...folders, dump.length > 0 ? { database: dump } : {});
}
const isSent = async (bearer: Headers, id: string) =>
  until('the mail is sent', async () => (await ask('GET', `/api/drafts/${id}`, bearer)).body.status === 'sent');

it('nothing that is not made for a person ever knows them, whatever is asked and whatever fails', async () => {
  const agent = (await keyFor('an agent', 'author')).bearer;
  const bob = (await keyFor('bob', 'approver')).bearer;
  const canary = await keyFor(`Ms ${CANARY.name}`, 'approver', { email: EMAIL });
  hubspot.contacts.push({ id: '1', properties: { email: EMAIL, firstname: CANARY.name } });
  await redis.set(`${REDIS_PREFIX}note`, EMAIL);

  // In a browser.
  const { cookies: session } = await ask('POST', '/api/auth/login', {}, { key: canary.key });
  expect((await ask('GET', '/api/drafts', { cookie: session })).status).toBe(200);
  const token = await ask('GET', '/api/auth/csrf-token', { cookie: session });
  const browser = { cookie: `${session}; ${token.cookies}`, 'x-csrf-token': token.body.csrfToken };

  // What is written to them, with files, decided by others.
  async function upload(name: string, content: string): Promise<string> {
    const form = new FormData();
    form.set('file', new Blob([content], { type: 'text/plain' }), name);
    return (await ask('POST', '/api/attachments', agent, form)).body.id;
  }
  const submit = async (changes: object, headers: Headers = {}): Promise<string> => {
    const draft = { to: EMAIL, subject: CANARY.subject, body: CANARY.body, html: `<b>${CANARY.html}</b>`, ...changes };
    return (await ask('POST', '/api/drafts', { ...agent, ...headers }, draft)).body.id;
  };
  const file = await upload(`${CANARY.fileName}.txt`, CANARY.bytes);
  const toCanary = await submit(
    { attachments: [file], metadata: { note: CANARY.metadata } },
    { 'idempotency-key': `for ${EMAIL}` },
  );
  const approval = { revision: 1, comment: CANARY.comment };
  expect((await ask('POST', `/api/drafts/${toCanary}/approve`, bob, approval)).status).toBe(200);
  await isSent(agent, toCanary);
  const open = await submit({});

  // What is written to others and names them, decided by them.
  const plain = { subject: 'Minutes', html: `<a href="mailto:${IN_PATH}">write</a>`, to: BOB };
  const list = await upload(`about ${EMAIL}.csv`, `name,mail\nx,${EMAIL}\n`);
  const toBob = await submit({
    ...plain,
    body: `Ask ${EMAIL}`,
    replyTo: EMAIL,
    attachments: [list],
    metadata: { cc: EMAIL },
  });
  expect((await ask('POST', `/api/drafts/${toBob}/approve`, browser, approval)).status).toBe(200);
  await isSent(agent, toBob);
  const openToBob = await submit({ ...plain, body: `Ask ${EMAIL.toUpperCase()}`, metadata: { cc: EMAIL } });
  await ask('POST', `/api/drafts/${openToBob}/request-changes`, bob, { comment: `Who is ${EMAIL}?` });

  // They want no more mail.
  const mails = readdirSync(mailbox).map((name) =>
    readFileSync(join(mailbox, name), 'utf8').replace(/\r\n[ \t]+/g, ' '),
  );
  const theirs = mails.find((mail) => /^To: .*kanarienvogel/im.test(mail)) ?? '';
  const unsubscribe = /<http[^>]*?(\/unsubscribe\/[^>]+)>/.exec(theirs)?.[1] ?? '';
  expect((await ask('GET', unsubscribe, {})).status).toBe(200);
  expect((await ask('POST', unsubscribe, {})).status).toBe(200);
  expect((await ask('POST', '/api/suppressions', ADMIN, { email: EMAIL, reason: `${EMAIL} called` })).status).toBe(200);

  // What makes no sense.
  const gdpr = `/api/gdpr/user/${IN_PATH}`;
  const asked: [status: number, ...Parameters<typeof ask>][] = [
    [401, 'DELETE', gdpr, { authorization: `Bearer ${EMAIL}` }],
    [401, 'DELETE', gdpr, { 'x-admin-token': EMAIL }],
    [403, 'DELETE', gdpr, {}],
    [403, 'DELETE', gdpr, agent],
    [403, 'DELETE', gdpr, { cookie: `countersign_session=${IN_PATH}` }],
    [400, 'DELETE', `${gdpr}?grace=${IN_PATH}`, ADMIN],
    [400, 'DELETE', `${gdpr}?${IN_PATH}=${IN_PATH}`, ADMIN],
    [400, 'DELETE', `/api/gdpr/user/${TWICE}`, ADMIN],
    [400, 'DELETE', `/api/gdpr/user/%3C${IN_PATH}%3E`, ADMIN],
    [400, 'DELETE', `/api/gdpr/user/${EMAIL}%E0%A4%A`, ADMIN],
    [405, 'PUT', gdpr, ADMIN, { email: EMAIL }],
    [404, 'GET', `${gdpr}/${IN_PATH}`, ADMIN],
    [404, 'GET', `/${EMAIL}`, ADMIN],
    [404, 'GET', `/unsubscribe/${IN_PATH}`, {}],
    [404, 'GET', `/api/gdpr/erasures/${IN_PATH}/certificate`, ADMIN],
    [404, 'POST', `/api/workflows/${IN_PATH}/approve`, bob, {}],
    [400, 'POST', '/api/gdpr/erasures', ADMIN, { email: `Ms <${EMAIL}>`, [EMAIL]: EMAIL }],
    [400, 'POST', '/api/gdpr/erasures', ADMIN, `{"email": ${EMAIL}`],
    [400, 'POST', '/api/gdpr/holds', ADMIN, { email: EMAIL, reason: 'x', until: EMAIL }],
    [
      422,
      'POST',
      '/api/drafts',
      { ...agent, 'idempotency-key': `for ${EMAIL}` },
      { to: EMAIL, subject: 'x', body: 'x' },
    ],
    [200, 'GET', `/api/drafts?q=${IN_PATH}`, agent],
    [200, 'GET', `${gdpr}/export`, ADMIN],
    [200, 'POST', `${gdpr}/export`, ADMIN],
    [200, 'POST', '/api/gdpr/exports', ADMIN, { email: EMAIL }],
  ];
  for (const [status, method, path, ...rest] of asked) {
    expect([method, path, (await ask(method, path, ...rest)).status]).toEqual([method, path, status]);
  }
  expect(await sendRaw(`DELETE ${gdpr} HTTP/1.1\r\nHost: x\r\n${EMAIL}\r\n\r\n`)).toContain('400');
  expect(await sendRaw(`${EMAIL} ${EMAIL}\r\n\r\n`)).toContain('400');

  // PostgreSQL quotes what it refuses.
  const failing = async (table: string, ...request: Parameters<typeof ask>) => {
    await quoteRows(table, 'INSERT OR UPDATE');
    expect((await ask(...request)).status).toBe(500);
    await stopQuoting(table);
  };
  await failing('revisions', 'POST', '/api/drafts', agent, { to: EMAIL, subject: CANARY.subject, body: EMAIL });
  await failing('erasures', 'DELETE', gdpr, ADMIN);
  await failing('verdicts', 'POST', `/api/drafts/${open}/approve`, browser, approval);
  await failing('principals', 'POST', '/api/keys', ADMIN, {
    name: `${CANARY.name} too`,
    email: EMAIL,
    roles: ['author'],
  });
  const heard = () => sentry.envelopes.join('\n');
  await until('Sentry hears of it', () => heard().includes('"route":"POST /api/keys"'));
  expect(heard()).toContain('"route":"DELETE /api/gdpr/user/:email"');
  expect(heard()).not.toContain('"type":"Refusal"');

  // What it rests on is away.
  hubspot.answerNext('search', { status: 500, body: { message: EMAIL } });
  expect((await ask('GET', `${gdpr}/export`, ADMIN)).status).toBe(503);
  const files = place('FILES_URL');
  renameSync(files, `${files}.away`);
  writeFileSync(files, '');
  expect((await ask('GET', `${gdpr}/export`, ADMIN)).status).toBe(503);
  expect((await ask('POST', '/api/gdpr/exports', ADMIN, { email: EMAIL })).status).toBe(503);
  rmSync(files);
  renameSync(`${files}.away`, files);
  const away = await hideDatabase();
  for (const [method, path] of [
    ['DELETE', gdpr],
    ['GET', `${gdpr}/export`],
  ] as const) {
    expect((await ask(method, path, ADMIN)).status).toBe(503);
  }
  await away.bringBack();
  await until('the API is ready', async () => (await fetch(`${url}/ready`)).ok);

  // A hold, and an erasure that waits for it; PostgreSQL fails the worker's step at first.
  const hold = await ask('POST', '/api/gdpr/holds', ADMIN, { email: EMAIL, reason: `A suit of ${EMAIL}` });
  expect(hold.status).toBe(201);
  expect((await ask('DELETE', `${gdpr}?grace=PT0S`, ADMIN)).status).toBe(202);
  const { requestId } = (await ask('POST', '/api/gdpr/erasures', ADMIN, { email: EMAIL })).body;
  const status = async () => (await ask('GET', `/api/gdpr/erasures/${requestId}`, ADMIN)).body.status;
  await until('the hold suspends it', async () => (await status()) === 'suspended');
  // It keeps everything, so that this search does find what is there.
  expect(Object.keys(await whoKnows())).toEqual(
    expect.arrayContaining([
      'database',
      expect.stringContaining(mailbox),
      expect.stringContaining(files),
      expect.stringContaining(redisServer.folder),
    ]),
  );
  expect(hubspot.contacts).toHaveLength(1);
  await quoteRows('revisions', 'DELETE OR UPDATE');
  hubspot.answerNext('search', { status: 429, body: { message: EMAIL }, headers: { 'Retry-After': '0' } });
  expect((await ask('DELETE', `/api/gdpr/holds/${hold.body.id}`, ADMIN)).status).toBe(204);
  await until('the step has failed', () => worker.log.includes('"activity":"takeErasureStep"'));
  await stopQuoting('revisions');

  await expectNobodyTold();
  await expectNobodyInTemporal();

  // Then it goes well.
  await until('it is certified', async () => (await status()) === 'certified', 60_000);
  await until('their draft is gone', async () => (await ask('GET', `/api/drafts/${open}`, agent)).status === 410);
  expect((await ask('GET', '/api/drafts', browser)).status).toBe(401);
  expect(
    (await ask('GET', `/api/gdpr/erasures/${requestId}/certificate`, ADMIN)).body.certificate.scan.sources,
  ).toHaveLength(6);
  expect(
    (await ask('GET', `${gdpr}/export`, ADMIN)).body.stores.flatMap(({ items }: { items: unknown[] }) => items),
  ).toEqual([]);
  expect(hubspot.contacts).toEqual([]);
  await expectNobodyTold();
  expect(await whoKnows()).toEqual({});
  expect((await ask('GET', `/api/drafts/${toBob}`, agent)).body).toMatchObject({
    status: 'sent',
    to: BOB,
    body: 'Ask [erased]',
  });

  // What is said at the end, and what Temporal writes then.
  expect([await api.stop(), await worker.stop()]).toEqual([0, 0]);
  await temporal.stop();
  for (const words of [api.log, worker.log, sentry.envelopes.join('\n')]) {
    expect(tracesOfCanary(Buffer.from(words))).toEqual([]);
  }
  expect(tracesInFolder(temporal.folder)).toEqual({});
});
