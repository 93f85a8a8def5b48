// What Sentry hears of a mail's way from the request to the mail server, and of what fails on it: real processes report to a
// server that decodes their envelopes.
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../ops/local/ports';
import { REPORTED_AT_ATTEMPT } from '../../ops/runtime/faults';
import { VERSION } from '../../ops/runtime/package-root';
import { takeDatabaseAway } from '../support/database-away';
import { ADMIN_PASSWORD } from '../support/environment';
import type { ServiceProcess } from '../support/processes';
import { type SentryServer, startSentryServer } from '../support/sentry-server';
import { HASTY, TestService } from '../support/service';
import { tracesIn } from '../support/traces';
import { until } from '../support/until';

// biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects.
type Json = any;

const RECIPIENT = 'grace.hopper@customer.example';
const STRANGER = 'f00df00df00df00df00df00df00df00d';
const RELEASE = `countersign@${VERSION}`;

let sentry: SentryServer;
let service: TestService;
let api: ServiceProcess;
let author: string;
let approver: { key: string; principalId: string };
let submissions = 0;

beforeAll(async () => {
  sentry = await startSentryServer();
  service = await TestService.create({
    environment: { SENTRY_DSN: sentry.dsn, SENTRY_TRACES_SAMPLE_RATE: '1', SENTRY_ENVIRONMENT: 'rehearsal' },
  });
  await service.temporalKnows();
  api = service.start('api', 'api/main.js');
  service.startWorker();
  await ready();
  author = (await ask('POST', '/api/keys', { name: 'agent', roles: ['author'] })).key;
  const { key } = await ask('POST', '/api/keys', { name: 'Grace', roles: ['approver'] });
  const { id } = await service.database.db.principal.findUniqueOrThrow({ where: { name: 'Grace' } });
  approver = { key, principalId: id };
});
afterAll(async () => {
  await service?.close();
  await sentry?.close();
});

const url = () => `http://127.0.0.1:${service.environment.PORT}`;
const ready = () =>
  until('the API is ready', async () => (await fetch(`${url()}/ready`).catch(() => null))?.ok ?? false);

/** As a stranger who sends a trace of their own along. */
async function ask(method: string, path: string, body?: object, key?: string): Promise<Json> {
  if (method === 'POST' && path === '/api/drafts') submissions += 1;
  const response = await fetch(url() + path, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(key ? { authorization: `Bearer ${key}` } : { 'x-admin-token': ADMIN_PASSWORD }),
      'sentry-trace': `${STRANGER}-b7ad6b7169203331-1`,
      traceparent: `00-${STRANGER}-b7ad6b7169203331-01`,
      baggage: `sentry-trace_id=${STRANGER},sentry-transaction=${encodeURIComponent(RECIPIENT)},sentry-release=theirs`,
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return response.json();
}
const submit = (confidence: number): Promise<Json> =>
  ask('POST', '/api/drafts', { to: RECIPIENT, subject: 'Minutes', body: `Dear ${RECIPIENT}`, confidence }, author);
const approve = (id: string): Promise<Json> => ask('POST', `/api/drafts/${id}/approve`, { revision: 1 }, approver.key);

const workOn = (id: string): Json[] =>
  sentry.spans().filter(({ attributes }) => attributes['countersign.draft_id'] === id);
const inTrace = (traceId: string): Json[] => sentry.spans().filter(({ trace_id }) => trace_id === traceId);
function parentOf(spans: Json[], name: string): string | undefined {
  const child = spans.find((span) => span.name === name);
  return spans.find(({ span_id }) => span_id === child?.parent_span_id)?.name;
}
/** The spans of the trace that this draft's mail belongs to, once all of these are there. */
function traceOfMail(id: string, ...names: string[]): Promise<Json[]> {
  return until(`the trace has ${names.join(', ')}`, async () => {
    const mail = workOn(id).find(({ name }) => name === 'send mail');
    const spans = mail ? inTrace(mail.trace_id) : [];
    return names.every((name) => spans.some((span) => span.name === name)) ? spans : null;
  });
}
const newErrors = (since: number): Json[] => sentry.errors().slice(since);

describe('a trace', () => {
  it('goes from an approval through outbox, workflow and activity to the mail', async () => {
    const draft = await submit(0.2);
    await until('its process waits for people', async () => {
      const handle = service.temporal.client.workflow.getHandle(`draft-${draft.id}`);
      return handle.describe().then(
        () => true,
        () => false,
      );
    });
    await approve(draft.id);
    const request = 'POST /api/drafts/:id/approve';
    const [message, workflow, activity] = ['message draftApproval', 'workflow draftApproval', 'activity releaseDraft'];
    const spans = await traceOfMail(draft.id, request, message, workflow, activity);
    expect(parentOf(spans, message)).toBe(request);
    expect(parentOf(spans, activity)).toBe(message);
    expect(parentOf(spans, workflow)).toBe(message);
    expect(parentOf(spans, 'send mail')).toBe(activity);
    for (const name of [request, message, workflow, activity, 'send mail']) {
      const { is_segment, attributes, trace } = spans.find((span) => span.name === name);
      expect(is_segment).toBe(true);
      expect(attributes).toMatchObject({ 'sentry.release': RELEASE, 'sentry.environment': 'rehearsal' });
      // Without it Sentry would not take a span.
      expect(trace).toMatchObject({ trace_id: spans[0].trace_id, release: RELEASE, sampled: 'true', sample_rate: '1' });
    }
  });

  it('goes from a submission that policy approves straight to the mail', async () => {
    const draft = await submit(1);
    const spans = await traceOfMail(draft.id, 'POST /api/drafts');
    expect(parentOf(spans, 'send mail')).toBe('POST /api/drafts');
    expect(spans.some(({ attributes }) => attributes['sentry.op'] === 'db')).toBe(true);
  });

  it('begins with us, whatever trace a client sends along', () => {
    expect(sentry.spans().length).toBeGreaterThan(0);
    expect(inTrace(STRANGER)).toEqual([]);
    expect(sentry.envelopes.join('\n')).not.toContain('theirs');
  });

  it('is known by its id alone where none is sampled', async () => {
    const PORT = String(await freePort());
    service.start('api', 'api/main.js', { SENTRY_TRACES_SAMPLE_RATE: '', PORT, METRICS_PORT: '0' });
    const other = `http://127.0.0.1:${PORT}`;
    await until('it is ready', async () => (await fetch(`${other}/ready`).catch(() => null))?.ok ?? false);
    const response = await fetch(`${other}/api/drafts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${author}` },
      body: JSON.stringify({ to: RECIPIENT, subject: 'Minutes', body: 'Dear', confidence: 1 }),
    });
    const { id } = (await response.json()) as { id: string };
    await service.draftIn('sent', id);
    const { traceparent } = await service.database.db.draft.findUniqueOrThrow({ where: { id } });
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(inTrace(String(traceparent).split('-')[1] ?? '')).toEqual([]);
  });

  it('is none of a probe', async () => {
    await ready();
    expect(sentry.spans().filter(({ attributes }) => /ready|health/.test(attributes['http.route']))).toEqual([]);
  });
});

describe('an error', () => {
  it('is no refusal', async () => {
    const draft = await submit(0.2);
    const known = sentry.errors().length;
    await ask('GET', `/api/drafts/${approver.principalId}`, undefined, author);
    await ask('POST', `/api/drafts/${draft.id}/approve`, { revision: 7 }, approver.key);
    await ask('POST', `/api/drafts/${draft.id}/approve`, { revision: 1 }, author);
    await ask('GET', '/api/drafts', undefined, 'no key');
    await ask('POST', '/api/drafts', { nonsense: RECIPIENT }, author);
    const seen = () => sentry.spans().filter(({ attributes }) => attributes['http.response.status_code'] >= 400).length;
    await until('their spans are there', async () => seen() >= 5);
    expect(newErrors(known)).toEqual([]);
  });

  it('of a request names who asked for what, under which release, and in which trace', async () => {
    const known = sentry.errors().length;
    const healed = await quoteRows('verdicts', 'INSERT');
    const draft = await submit(0.2);
    const problem = await approve(draft.id);
    await healed();
    expect(problem.status).toBe(500);
    const [error] = await until('it is reported', async () => (newErrors(known).length > 0 ? newErrors(known) : null));
    expect(error).toMatchObject({
      release: RELEASE,
      environment: 'rehearsal',
      server_name: 'api',
      user: { id: approver.principalId },
      tags: { process: 'api', requestId: problem.requestId, route: 'POST /api/drafts/:id/approve' },
    });
    await until('its request is there', async () => inTrace(error.contexts.trace.trace_id).length > 0);
  });

  it('of an activity comes at the fifth attempt, once, with its workflow and draft', async () => {
    const known = sentry.errors().length;
    const healed = await quoteRows('drafts', "UPDATE OF status ON drafts FOR EACH ROW WHEN (NEW.status = 'expired')");
    const draft = await submit(HASTY);
    const [error] = await until('it is reported', async () => (newErrors(known).length > 0 ? newErrors(known) : null));
    const attempt = () => Number(/.*"activity":"expireDraft","attempt":(\d+)/s.exec(log())?.[1] ?? 0);
    await until('it has been tried again', async () => attempt() >= REPORTED_AT_ATTEMPT + 2);
    await healed();
    await service.draftIn('expired', draft.id);
    expect(newErrors(known)).toHaveLength(1);
    expect(error).toMatchObject({
      release: RELEASE,
      server_name: 'worker',
      fingerprint: ['expireDraft: PrismaClientKnownRequestError'],
      tags: {
        workflowType: 'draftApproval',
        workflowId: `draft-${draft.id}`,
        draftId: draft.id,
        activity: 'expireDraft',
        attempt: REPORTED_AT_ATTEMPT,
      },
    });
  });

  it('is one issue while the database is away, whatever fails for it', async () => {
    const known = sentry.errors().length;
    const bringBack = await takeDatabaseAway(service.database.url);
    const reporters = () => new Set(newErrors(known).map(({ server_name }) => server_name));
    await until('both processes have reported it', async () => {
      await ask('GET', '/api/drafts', undefined, author);
      return reporters().size === 2;
    });
    await bringBack();
    await ready();
    expect(newErrors(known)).toHaveLength(2);
    for (const { fingerprint, exception } of newErrors(known)) {
      expect(fingerprint).toEqual(['database_away']);
      expect(exception.values[0].value).toBe('database_away');
    }
  });

  it('comes when the backup store stays away', async () => {
    const known = sentry.errors().length;
    const store = fileURLToPath(service.environment.BACKUP_URL as string);
    renameSync(store, `${store}.away`);
    writeFileSync(store, '');
    await submit(0.2);
    // The trail is anchored once a minute.
    await service.database.pool.query(`UPDATE audit_progress SET anchored_at = anchored_at - interval '1 minute'`);
    const isHeard = () => newErrors(known).some(({ fingerprint }) => fingerprint[0] === 'store_away');
    await until('it is reported', async () => isHeard());
    rmSync(store);
    renameSync(`${store}.away`, store);
    expect(newErrors(known)).toHaveLength(1);
  });

  it('comes when the mail server stays away, and once for all mails that wait', async () => {
    const known = sentry.errors().length;
    await service.mail.away();
    const drafts = [await submit(1), await submit(1), await submit(1)];
    const [error] = await until('it is reported', async () => (newErrors(known).length > 0 ? newErrors(known) : null));
    await service.mail.listen();
    for (const { id } of drafts) await service.draftIn('sent', id);
    expect(newErrors(known)).toHaveLength(1);
    expect(error).toMatchObject({
      fingerprint: ['deliverMail: ServiceTrouble'],
      tags: { workflowId: 'lane-email', activity: 'deliverMail', attempt: REPORTED_AT_ATTEMPT, code: 'ESOCKET' },
    });
  });

  const log = () => service.processes.map((process) => process.log).join('');
  /** PostgreSQL refuses, and says the row in its message, as a constraint does. @returns what ends it */
  async function quoteRows(table: string, when: string): Promise<() => Promise<unknown>> {
    const { pool } = service.database;
    await pool.query(`CREATE FUNCTION quote_row() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'It may not be: % %', NEW, '${RECIPIENT}' USING ERRCODE = '23514'; END $$`);
    const on = when.includes(' ON ') ? when : `${when} ON ${table} FOR EACH ROW`;
    await pool.query(`CREATE TRIGGER quoting BEFORE ${on} EXECUTE FUNCTION quote_row()`);
    return () => pool.query(`DROP TRIGGER quoting ON ${table}; DROP FUNCTION quote_row`);
  }
});

describe('what is sent', () => {
  it('holds up no process that ends while Sentry does not answer', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const dsn = `http://0123456789abcdef0123456789abcdef@127.0.0.1:${(silent.address() as AddressInfo).port}/1`;
    const worker = service.startWorker({ SENTRY_DSN: dsn, WORKER_METRICS_PORT: '0' });
    const draft = await submit(1);
    await until('it has something to send', async () => sockets.length > 0 || worker.log.includes('The worker works'));
    await service.draftIn('sent', draft.id);
    const asked = Date.now();
    expect(await worker.stop()).toBe(0);
    expect(Date.now() - asked).toBeLessThan(10_000);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('has been sent when a process ends', async () => {
    await submit(0.2);
    expect(await api.stop()).toBe(0);
    expect(sentry.spans().filter(({ name }) => name === 'POST /api/drafts')).toHaveLength(submissions);
  });

  it('is errors, spans and counts of what was dropped', () => {
    expect([...sentry.itemTypes()].filter((type) => !['event', 'span', 'client_report'].includes(type))).toEqual([]);
  });

  it('names nobody', () => {
    const words = [RECIPIENT, 'grace.hopper', 'Minutes', 'Dear', 'Grace'];
    expect(tracesIn(Buffer.concat(sentry.envelopes), words)).toEqual([]);
  });
});
