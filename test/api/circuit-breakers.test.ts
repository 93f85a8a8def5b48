import { defaultPayloadConverter } from '@temporalio/common';
import { laneId, MAIL_LANE } from '../../workflows/contracts/mail-delivery';
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

describe('an operator', () => {
  it('reaches the lane: reset, pause and resume, with actor and reason', async () => {
    await startLane();
    const ops = await api.person('an operator', 'ops');
    const { id: actor } = await api.database.db.principal.findUniqueOrThrow({ where: { name: 'an operator' } });
    for (const act of ['reset', 'pause', 'resume']) {
      const answer = await ops.post(`/api/circuit-breakers/${act}/email`).send({ reason: 'The server is back.' });
      expect([answer.status, answer.body.configured]).toEqual([200, true]);
    }
    expect((await api.admin.post('/api/circuit-breakers/reset/email')).status).toBe(200);

    const { events } = await temporal.client.workflow.getHandle(laneId(MAIL_LANE)).fetchHistory();
    const signals = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
      signal ? [[signal.signalName, defaultPayloadConverter.fromPayload(signal.input?.payloads?.[0] as never)]] : [],
    );
    const said = { actor, reason: 'The server is back.' };
    const bare = { actor: '00000000-0000-7000-8000-000000000001' };
    expect(signals).toEqual([
      ['retryNow', said],
      ['pause', said],
      ['resume', said],
      ['retryNow', bare],
    ]);
    const audited = await api.database.db.auditEvent.findMany({ where: { subject: 'service', actorId: actor } });
    expect(audited.map(({ type, data }) => [type, data])).toEqual([
      ['service.reset', { service: 'email' }],
      ['service.paused', { service: 'email' }],
      ['service.resumed', { service: 'email' }],
    ]);
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
