// A canary person through everything that Countersign does with a person, by real processes, until they are erased. At no time
// do logs, metrics, error reports, traces or Temporal know them; once they are certified as erased, nothing does.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REDIS_PREFIX } from '../../ops/runtime/redis';
import { until } from '../support/until';
import { CANARY, EMAIL, tracesInFolder, tracesOfCanary } from './canary-person';
import { expectNobodyInTemporal, expectNobodyTold, whoKnows } from './canary-search';
import { ADMIN, CanaryService, type Headers } from './canary-service';

const IN_PATH = encodeURIComponent(EMAIL);
const TWICE = encodeURIComponent(IN_PATH);
const BOB = 'bob@elsewhere.example';

let service: CanaryService;
beforeAll(async () => {
  service = await CanaryService.start();
});
afterAll(() => service?.close());

const ask: CanaryService['ask'] = (...request) => service.ask(...request);
const isSent = async (bearer: Headers, id: string) =>
  until('the mail is sent', async () => (await ask('GET', `/api/drafts/${id}`, bearer)).body.status === 'sent');

const requestExport = async (): Promise<string> =>
  (await ask('POST', '/api/gdpr/exports', ADMIN, { email: EMAIL })).body.id;
/** Its document, once it is ready. */
async function exported(id: string): Promise<string> {
  const path = `/api/gdpr/exports/${id}`;
  await until('the export is ready', async () => (await ask('GET', path, ADMIN)).body.status === 'ready');
  return JSON.stringify((await ask('GET', `${path}/content`, ADMIN)).body);
}

it('nothing that is not made for a person ever knows them, whatever is asked and whatever fails', async () => {
  const agent = (await service.keyFor('an agent', 'author')).bearer;
  const bob = (await service.keyFor('bob', 'approver')).bearer;
  const canary = await service.keyFor(`Ms ${CANARY.name}`, 'approver', { email: EMAIL });
  service.hubspot.contacts.push({ id: '1', properties: { email: EMAIL, firstname: CANARY.name } });
  await service.redis.set(`${REDIS_PREFIX}note`, EMAIL);

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
  const mails = readdirSync(service.mailbox).map((name) =>
    readFileSync(join(service.mailbox, name), 'utf8').replace(/\r\n[ \t]+/g, ' '),
  );
  const theirs = mails.find((mail) => /^To: .*kanarienvogel/im.test(mail)) ?? '';
  const unsubscribe = /<http[^>]*?(\/unsubscribe\/[^>]+)>/.exec(theirs)?.[1] ?? '';
  expect((await ask('GET', unsubscribe, {})).status).toBe(200);
  expect((await ask('POST', unsubscribe, {})).status).toBe(200);
  expect((await ask('POST', '/api/suppressions', ADMIN, { email: EMAIL, reason: `${EMAIL} called` })).status).toBe(200);

  // What an operator writes, and a group from before groups were codes.
  for (const act of ['reset', 'pause', 'resume']) {
    const reason = `${EMAIL} complained`;
    expect((await ask('POST', `/api/circuit-breakers/${act}/email`, ADMIN, { reason })).status).toBe(200);
  }
  await service.base.database.db.apiKey.updateMany({ data: { groups: ['legal', `after ${EMAIL}`] } });

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
    [404, 'POST', `/api/workflows/${IN_PATH}/approve`, bob, { revision: 1 }],
    [400, 'POST', '/api/gdpr/erasures', ADMIN, { email: `Ms <${EMAIL}>`, [EMAIL]: EMAIL }],
    [400, 'POST', '/api/gdpr/erasures', ADMIN, `{"email": ${EMAIL}`],
    [400, 'POST', '/api/keys', ADMIN, { name: 'x', roles: ['author'], groups: [EMAIL] }],
    [400, 'POST', '/api/ops/restores', ADMIN, { from: `s3://${EMAIL}/sets/20260123T180000Z` }],
    [409, 'POST', '/api/circuit-breakers/pause/file_store', ADMIN, { reason: EMAIL }],
    [400, 'GET', `/api/circuit-breakers/notes?service=${IN_PATH}`, ADMIN],
    [400, 'POST', '/api/gdpr/holds', ADMIN, { email: EMAIL, reason: 'x', until: EMAIL }],
    [
      422,
      'POST',
      '/api/drafts',
      { ...agent, 'idempotency-key': `for ${EMAIL}` },
      { to: EMAIL, subject: 'x', body: 'x' },
    ],
    [200, 'GET', `/api/drafts?q=${IN_PATH}`, agent],
    [202, 'GET', `${gdpr}/export`, ADMIN],
    [202, 'POST', `${gdpr}/export`, ADMIN],
    [404, 'GET', `/api/gdpr/exports/${IN_PATH}`, ADMIN],
    [404, 'GET', `/api/gdpr/exports/${IN_PATH}/content`, ADMIN],
  ];
  for (const [status, method, path, ...rest] of asked) {
    expect([method, path, (await ask(method, path, ...rest)).status]).toEqual([method, path, status]);
  }
  expect(await service.sendRaw(`DELETE ${gdpr} HTTP/1.1\r\nHost: x\r\n${EMAIL}\r\n\r\n`)).toContain('400');
  expect(await service.sendRaw(`${EMAIL} ${EMAIL}\r\n\r\n`)).toContain('400');

  // PostgreSQL quotes what it refuses.
  const failing = async (table: string, ...request: Parameters<typeof ask>) => {
    const stop = await service.quoteRows(table, 'INSERT OR UPDATE');
    expect((await ask(...request)).status).toBe(500);
    await stop();
  };
  await failing('revisions', 'POST', '/api/drafts', agent, { to: EMAIL, subject: CANARY.subject, body: EMAIL });
  await failing('erasures', 'DELETE', gdpr, ADMIN);
  await failing('verdicts', 'POST', `/api/drafts/${open}/approve`, browser, approval);
  await failing('operator_notes', 'POST', '/api/circuit-breakers/reset/email', ADMIN, { reason: EMAIL });
  await failing('principals', 'POST', '/api/keys', ADMIN, {
    name: `${CANARY.name} too`,
    email: EMAIL,
    roles: ['author'],
  });
  const heard = () => service.sentry.envelopes.join('\n');
  await until('Sentry hears of it', () => heard().includes('"route":"POST /api/keys"'));
  expect(heard()).toContain('"route":"DELETE /api/gdpr/user/:email"');
  expect(heard()).not.toContain('"type":"Refusal"');

  // What it rests on is away.
  const { db } = service.base.database;
  await until(
    'no export is pending',
    async () => (await db.personExport.count({ where: { status: 'pending' } })) === 0,
  );
  service.hubspot.answerNext('contacts/search', { status: 500, body: { message: EMAIL } });
  const first = await requestExport();
  await until('HubSpot has failed it', async () => {
    const handle = service.base.temporal.client.workflow.getHandle(`export-${first}`);
    const description = await handle.describe().catch(() => null);
    return (description?.raw.pendingActivities?.[0]?.attempt ?? 0) > 1;
  });
  await exported(first);
  const files = service.folder('FILES_URL');
  renameSync(files, `${files}.away`);
  writeFileSync(files, '');
  const second = await requestExport();
  await until('the file store has failed it', () => service.worker.log.includes('"activity":"writeExport"'));
  expect((await ask('GET', `/api/gdpr/exports/${first}/content`, ADMIN)).status).toBe(503);
  rmSync(files);
  renameSync(`${files}.away`, files);
  expect(await exported(second)).toContain(EMAIL);
  const bringBack = await service.takeDatabaseAway();
  for (const [method, path] of [
    ['DELETE', gdpr],
    ['GET', `${gdpr}/export`],
  ] as const) {
    expect((await ask(method, path, ADMIN)).status).toBe(503);
  }
  await bringBack();
  await service.ready();

  // A hold, and an erasure that waits for it; PostgreSQL fails the worker's step at first.
  const hold = await ask('POST', '/api/gdpr/holds', ADMIN, { email: EMAIL, reason: `A suit of ${EMAIL}` });
  expect(hold.status).toBe(201);
  expect((await ask('DELETE', `${gdpr}?grace=PT0S`, ADMIN)).status).toBe(202);
  const { requestId } = (await ask('POST', '/api/gdpr/erasures', ADMIN, { email: EMAIL })).body;
  const status = async () => (await ask('GET', `/api/gdpr/erasures/${requestId}`, ADMIN)).body.status;
  await until('the hold suspends it', async () => (await status()) === 'suspended');
  // It keeps everything, so that this search does find what is there.
  expect(await whoKnows(service)).toEqual(
    expect.arrayContaining([
      'database',
      expect.stringContaining(service.mailbox),
      expect.stringContaining(files),
      expect.stringContaining(service.redisServer.folder),
    ]),
  );
  const inHubspot = () => JSON.stringify([service.hubspot.contacts, service.hubspot.emails]);
  expect(inHubspot()).toContain(EMAIL);
  const stopQuoting = await service.quoteRows('revisions', 'DELETE OR UPDATE');
  service.hubspot.answerNext('contacts/search', {
    status: 429,
    body: { message: EMAIL },
    headers: { 'Retry-After': '0' },
  });
  expect((await ask('DELETE', `/api/gdpr/holds/${hold.body.id}`, ADMIN)).status).toBe(204);
  await until('the step has failed', () => service.worker.log.includes('"activity":"takeErasureStep"'));
  await stopQuoting();

  await expectNobodyTold(service);
  await expectNobodyInTemporal(service);

  // Then it goes well.
  await until('it is certified', async () => (await status()) === 'certified');
  await until('their draft is gone', async () => (await ask('GET', `/api/drafts/${open}`, agent)).status === 410);
  expect((await ask('GET', '/api/drafts', browser)).status).toBe(401);
  expect(
    (await ask('GET', `/api/gdpr/erasures/${requestId}/certificate`, ADMIN)).body.certificate.scan.sources,
  ).toHaveLength(6);
  for (const id of [first, second])
    expect((await ask('GET', `/api/gdpr/exports/${id}/content`, ADMIN)).status).toBe(410);
  expect(
    JSON.parse(await exported(await requestExport())).stores.flatMap((one: { items: unknown[] }) => one.items),
  ).toEqual([]);
  expect(inHubspot()).not.toContain(EMAIL);
  await expectNobodyTold(service);
  expect(await whoKnows(service)).toEqual([]);
  expect((await ask('GET', `/api/drafts/${toBob}`, agent)).body).toMatchObject({
    status: 'sent',
    to: BOB,
    body: 'Ask [erased]',
  });

  // What is said at the end, and what Temporal writes then.
  expect([await service.api.stop(), await service.worker.stop()]).toEqual([0, 0]);
  await service.temporal.stop();
  for (const words of [service.api.log, service.worker.log, service.sentry.envelopes.join('\n')]) {
    expect(tracesOfCanary(Buffer.from(words))).toEqual([]);
  }
  expect(tracesInFolder(service.temporal.folder)).toEqual({});
});
