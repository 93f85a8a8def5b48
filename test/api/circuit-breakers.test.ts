import { defaultPayloadConverter } from '@temporalio/common';
import { laneId, MAIL_LANE } from '../../workflows/contracts/lane';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { aDraft } from '../support/commands';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { problem, TestApi } from './test-api';

let api: TestApi;
let away: TestApi;
let temporal: TestNamespace;
beforeAll(async () => {
  temporal = await createTestNamespace();
  api = await TestApi.create({ temporal });
  away = await TestApi.create({ database: api.database });
});
afterAll(async () => {
  await away?.close();
  await api?.close();
  await temporal?.close();
});

/** Nobody carries it out. */
const startLane = () =>
  temporal.client.workflow.start('mailDelivery', {
    workflowId: laneId(MAIL_LANE),
    taskQueue: TASK_QUEUES.processes,
    args: [{}],
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
const status = async (of: TestApi) => (await of.anyone.get('/api/circuit-breakers/status')).body;

describe('the status of the services', () => {
  it('lists every known one, HubSpot without a token too', async () => {
    const { summary, breakers } = await status(away);
    expect(summary).toEqual({ total: 2, open: 0, half_open: 0, closed: 2 });
    expect(breakers.hubspot).toEqual({
      state: 'closed',
      configured: false,
      paused: false,
      waiting: 0,
      failures: 0,
      lastError: null,
      since: expect.any(String),
      nextAttemptAt: null,
    });
    expect(breakers.email).toMatchObject({ state: 'closed', configured: true, waiting: 0 });
  });

  it('calls a lane paused only where somebody knows', async () => {
    expect((await status(away)).breakers.email.paused).toBeNull();
    expect((await status(api)).breakers.email.paused).toBe(false);
    await startLane();
    await until('nobody who works can be asked', async () => (await status(api)).breakers.email.paused === null);
  });

  it('says open while the service fails, how often, why, and what waits, with Temporal away too', async () => {
    const { db } = api.database;
    const agent = await away.person('an agent', 'author');
    const { id } = (await agent.post('/api/drafts').send(aDraft())).body;
    await db.draft.update({ where: { id }, data: { status: 'scheduled', nextAttemptAt: new Date(0) } });
    await db.lane.update({
      where: { name: MAIL_LANE },
      data: { failures: 3, lastError: 'ECONNREFUSED', failingSince: new Date() },
    });
    const seen = await until('the failure shows', async () => {
      const { breakers, summary } = await status(away);
      return breakers.email.failures === 3 && { email: breakers.email, summary };
    });
    expect(seen.summary).toMatchObject({ open: 1, closed: 1 });
    expect(seen.email).toMatchObject({ state: 'open', waiting: 1, lastError: 'ECONNREFUSED', nextAttemptAt: null });
    await db.lane.update({ where: { name: MAIL_LANE }, data: { failures: 0, failingSince: null } });
    await until('it is closed again', async () => (await status(away)).breakers.email.state === 'closed');
  });
});

/** A person stands in it: no store but the database may hold it. */
const REASON = 'ada@customer.example asked us to';

describe('an operator', () => {
  it('reaches the lane: reset, pause and resume, while Temporal sees ids alone', async () => {
    await startLane();
    const ops = await api.person('an operator', 'ops');
    const { id: actor } = await api.database.db.principal.findUniqueOrThrow({ where: { name: 'an operator' } });
    for (const act of ['reset', 'pause', 'resume']) {
      const answer = await ops.post(`/api/circuit-breakers/${act}/email`).send({ reason: REASON });
      expect([answer.status, answer.body.configured]).toEqual([200, true]);
    }
    expect((await api.admin.post('/api/circuit-breakers/reset/email')).status).toBe(200);

    const { events } = await temporal.client.workflow.getHandle(laneId(MAIL_LANE)).fetchHistory();
    const signals = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
      signal ? [[signal.signalName, defaultPayloadConverter.fromPayload(signal.input?.payloads?.[0] as never)]] : [],
    );
    const notes = await api.database.db.operatorNote.findMany({ orderBy: { createdAt: 'asc' } });
    expect(notes.map(({ text }) => text)).toEqual([REASON, REASON, REASON]);
    const [first, second, third] = notes.map(({ id }) => ({ actor, note: id }));
    expect(signals).toEqual([
      ['retryNow', first],
      ['pause', second],
      ['resume', third],
      ['retryNow', { actor: '00000000-0000-7000-8000-000000000001' }],
    ]);
    const audited = await api.database.db.auditEvent.findMany({
      where: { subject: 'service', actorId: actor },
      orderBy: { position: 'asc' },
    });
    expect(audited.map(({ id }) => id)).toEqual(notes.map(({ id }) => id));
    expect(audited.map(({ type, data }) => [type, data])).toEqual([
      ['service.reset', { service: 'email' }],
      ['service.paused', { service: 'email' }],
      ['service.resumed', { service: 'email' }],
    ]);
  });

  it('reads the reasons again, newest first and one by one; nobody else does', async () => {
    await startLane();
    const ops = await api.person('a reader', 'ops');
    for (const reason of ['first', 'second']) {
      await ops.post('/api/circuit-breakers/reset/email').send({ reason });
    }
    await ops.post('/api/circuit-breakers/reset/hubspot').send({ reason: 'third' });
    const page = async (query: string) => (await ops.get(`/api/circuit-breakers/notes?${query}`)).body;
    const newest = await page('service=email&limit=1');
    const [note] = newest.items;
    expect(note).toEqual({
      id: expect.any(String),
      service: 'email',
      act: 'service.reset',
      by: 'a reader',
      text: 'second',
      createdAt: expect.any(String),
    });
    const next = await page(`service=email&limit=1&cursor=${newest.nextCursor}`);
    expect(next.items).toMatchObject([{ text: 'first' }]);
    expect((await page('limit=1')).items).toMatchObject([{ service: 'hubspot', text: 'third' }]);
    expect((await api.admin.get(`/api/circuit-breakers/notes/${note.id}`)).body).toEqual(note);
    expect((await ops.get(`/api/circuit-breakers/notes/${newest.items[0].id.replace(/.$/, 'x')}`)).status).toBe(404);
    const approver = await api.person('an approver', 'approver');
    expect((await approver.get('/api/circuit-breakers/notes')).status).toBe(403);
    expect(JSON.stringify(await status(api))).not.toContain('second');
  });

  it('leaves a refusal and nothing else where the signal fails', async () => {
    const { db } = away.database;
    const count = () =>
      Promise.all([db.operatorNote.count(), db.auditEvent.count({ where: { type: 'service.paused' } })]);
    const before = await count();
    const answer = await away.admin.post('/api/circuit-breakers/pause/email').send({ reason: REASON });
    expect(answer.status).toBe(503);
    expect(await count()).toEqual(before);
    const [refused] = await db.auditEvent.findMany({
      where: { type: 'service.refused' },
      orderBy: { position: 'desc' },
      take: 1,
    });
    expect(refused?.data).toEqual({ service: 'email', act: 'pause', code: 'processes-unavailable' });
  });

  it('signals nothing where the act can not be written down', async () => {
    await startLane();
    const lane = temporal.client.workflow.getHandle(laneId(MAIL_LANE));
    const length = async () => (await lane.describe()).historyLength;
    const before = await length();
    await api.database.pool.query('ALTER TABLE operator_notes RENAME TO away');
    const answer = await api.admin.post('/api/circuit-breakers/pause/email').send({ reason: REASON });
    await api.database.pool.query('ALTER TABLE away RENAME TO operator_notes');
    expect([answer.status, await length()]).toEqual([500, before]);
  });

  it('is told at once where Temporal is away, and of a service that is unknown or not configured', async () => {
    const { status: code, body, headers } = await away.admin.post('/api/circuit-breakers/reset/email');
    expect([code, body, headers['retry-after']]).toEqual([503, problem('processes-unavailable', 503), '1']);
    expect((await api.admin.post('/api/circuit-breakers/reset/fax')).body).toEqual(problem('not-found', 404));
    expect((await api.admin.post('/api/circuit-breakers/reset/hubspot')).status).toBe(200);
    expect((await api.admin.post('/api/circuit-breakers/pause/hubspot')).body).toEqual(problem('not-configured', 409));
    expect(
      (await api.admin.post('/api/circuit-breakers/pause/email').send({ reason: 'x'.repeat(10_001) })).status,
    ).toBe(400);
  });
});
