import { defaultPayloadConverter } from '@temporalio/common';
import { countWaiting, dueItems, MOST_COUNTED } from '../../activities/waiting-items';
import { noteHubspot } from '../../worker/lanes';
import { HUBSPOT_LANE, laneId, MAIL_LANE } from '../../workflows/contracts/lane';
import { LANES, type Lane } from '../../workflows/contracts/services';
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

/** It has kept nothing yet. */
async function renewed(before: TestApi): Promise<TestApi> {
  await before.close();
  return TestApi.create({ database: api.database });
}

/** Nobody carries it out. */
const startLane = () =>
  temporal.client.workflow.start('mailDelivery', {
    workflowId: laneId(MAIL_LANE),
    taskQueue: TASK_QUEUES.processes,
    args: [{}],
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
const status = async (of: TestApi) => (await of.anyone.get('/api/circuit-breakers/status')).body;

const CLOSED = {
  state: 'closed',
  configured: true,
  paused: false,
  pausedBy: null,
  pausedSince: null,
  waiting: 0,
  moreWaiting: false,
  oldestWaitingSince: null,
  failures: 0,
  lastError: null,
  since: null,
  nextAttemptAt: null,
  source: 'postgresql',
};

describe('the status of the services', () => {
  it('lists every known one, HubSpot without a token too', async () => {
    const { summary, breakers } = await status(away);
    expect(summary).toEqual({ total: 4, open: 0, half_open: 0, closed: 4 });
    expect(breakers).toEqual({
      email: { ...CLOSED, since: expect.any(String) },
      hubspot: { ...CLOSED, configured: false },
      file_store: CLOSED,
      backup_store: CLOSED,
    });
  });

  it('says whether Temporal knows it now, or PostgreSQL as it was last recorded', async () => {
    expect((await status(away)).breakers.email.source).toBe('postgresql');
    await startLane();
    await until('Temporal knows', async () => (await status(api)).breakers.email.source === 'temporal');
  });

  it('says open while the service fails, how often, why, and what waits, with Temporal away too', async () => {
    const { db } = api.database;
    const agent = await away.person('an agent', 'author');
    const { id } = (await agent.post('/api/drafts').send(aDraft())).body;
    const dueSince = new Date('2026-01-01T10:00:00.000Z');
    await db.draft.update({ where: { id }, data: { status: 'scheduled', nextAttemptAt: dueSince } });
    const nextAttemptAt = new Date(Date.now() + 3_600_000);
    await db.lane.update({
      where: { name: MAIL_LANE },
      data: { failures: 3, lastError: 'ECONNREFUSED', failingSince: new Date(), nextAttemptAt },
    });
    const seen = await until('the failure shows', async () => {
      const { breakers, summary } = await status(away);
      return breakers.email.failures === 3 && { email: breakers.email, summary };
    });
    expect(seen.summary).toMatchObject({ open: 1, closed: 3 });
    expect(seen.email).toMatchObject({
      state: 'open',
      waiting: 1,
      oldestWaitingSince: dueSince.toISOString(),
      lastError: 'ECONNREFUSED',
      nextAttemptAt: nextAttemptAt.toISOString(),
    });
    await db.lane.update({ where: { name: MAIL_LANE }, data: { failures: 0, failingSince: null } });
    await db.draft.update({ where: { id }, data: { status: 'withdrawn', nextAttemptAt: null } });
    await until('it is closed again', async () => (await status(away)).breakers.email.state === 'closed');
  });

  it('tells of HubSpot from the row and the items of its own lane', async () => {
    const { db } = api.database;
    // As a worker writes it that has a token; the API needs none.
    await noteHubspot(db, true);
    const hubspot = await TestApi.create({ database: api.database });
    const agent = await away.person('another agent', 'author');
    const { id: draftId } = (await agent.post('/api/drafts').send(aDraft())).body;
    const dueSince = new Date('2026-01-02T10:00:00.000Z');
    await db.crmSync.create({ data: { generation: 1, draftId, nextAttemptAt: dueSince } });
    const failing = { failures: 2, lastError: 'hubspot_unauthorised' };
    await db.lane.update({ where: { name: HUBSPOT_LANE }, data: failing });
    expect((await status(hubspot)).breakers.hubspot).toMatchObject({
      ...failing,
      state: 'open',
      configured: true,
      waiting: 1,
      oldestWaitingSince: dueSince.toISOString(),
      source: 'postgresql',
    });
    await db.crmSync.deleteMany();
    await db.lane.update({ where: { name: HUBSPOT_LANE }, data: { failures: 0 } });
    await noteHubspot(db, false);
    await hubspot.close();
  });

  it('tells of a service that processes use by themselves from their failing steps', async () => {
    const since = new Date('2026-01-03T10:00:00.000Z');
    const nextAttemptAt = new Date(Date.now() + 60_000);
    const step = { process: 'userErasure', service: 'file_store', code: 'ECONNREFUSED', isLocal: false, since };
    await api.database.db.failingStep.createMany({
      data: [
        { ...step, workflowId: 'erasure-1', step: 'takeErasureStep.attachments', attempts: 4, nextAttemptAt },
        { ...step, workflowId: 'erasure-2', step: 'takeErasureStep.attachments', attempts: 2, since: new Date() },
      ],
    });
    const seen = await until('it shows', async () => {
      const { file_store } = (await status(away)).breakers;
      return file_store.state === 'open' ? file_store : null;
    });
    expect(seen).toEqual({
      ...CLOSED,
      state: 'open',
      waiting: 2,
      oldestWaitingSince: since.toISOString(),
      failures: 4,
      lastError: 'ECONNREFUSED',
      since: since.toISOString(),
      nextAttemptAt: nextAttemptAt.toISOString(),
    });
    await api.database.db.failingStep.updateMany({ data: { isRunning: true } });
    await until('an attempt runs', async () => (await status(away)).breakers.file_store.state === 'half_open');
    await api.database.db.failingStep.deleteMany();
    await until('it is closed', async () => (await status(away)).breakers.file_store.state === 'closed');
  });
});

describe('counting what waits', () => {
  const insert = (rows: number) =>
    api.database.pool.query(
      `WITH d AS (
         INSERT INTO drafts (id, status, author_id, decision, created_at, updated_at, needs_people, next_attempt_at)
         SELECT gen_random_uuid(), 'scheduled', '00000000-0000-7000-8000-000000000001', '{}', now(), now(), false, now()
         FROM generate_series(1, $1) RETURNING id
       ) INSERT INTO crm_syncs (draft_id, generation, next_attempt_at) SELECT id, 1, now() FROM d`,
      [rows],
    );
  afterEach(() => api.database.pool.query('TRUNCATE drafts CASCADE'));

  it.each(LANES)('reads no more of %s than it counts, however many wait', async (lane) => {
    const { db, pool } = api.database;
    await insert(100_000);
    await pool.query('ANALYZE drafts, crm_syncs');
    expect(await countWaiting(db, lane)).toMatchObject({ waiting: MOST_COUNTED, moreWaiting: true });
    const table = lane === MAIL_LANE ? 'drafts' : 'crm_syncs';
    const plan = await explain(pool, lane);
    const scans = plan.filter(({ relation }) => relation === table);
    expect(scans.map(({ node }) => node)).toEqual([
      expect.stringMatching(/^Index/),
      expect.stringMatching(/^(Index|Bitmap)/),
    ]);
    expect(Math.max(...plan.map(({ rows }) => rows))).toBeLessThanOrEqual(MOST_COUNTED + 1);
  });

  it('counts exactly what is due and not yet under way', async () => {
    const { db, pool } = api.database;
    await insert(7);
    await pool.query(`UPDATE drafts SET claim_owner = gen_random_uuid() WHERE id IN (SELECT id FROM drafts LIMIT 2)`);
    await pool.query(
      `UPDATE drafts SET status = 'sending' WHERE id IN (SELECT id FROM drafts WHERE claim_owner IS NOT NULL LIMIT 1)`,
    );
    await pool.query(
      `UPDATE drafts SET next_attempt_at = now() + interval '1 hour' WHERE id IN (SELECT id FROM drafts WHERE claim_owner IS NULL LIMIT 1)`,
    );
    expect(await countWaiting(db, MAIL_LANE)).toMatchObject({ waiting: 5, moreWaiting: false });
    expect(await countWaiting(db, HUBSPOT_LANE)).toMatchObject({ waiting: 7, moreWaiting: false });
  });
});

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  Plans?: PlanNode[];
}

async function explain(pool: TestApi['database']['pool'], lane: Lane) {
  const { sql, values } = dueItems(lane);
  const text = sql.split('?').reduce((text, part, n) => `${text}$${n}${part}`);
  const { rows } = await pool.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values as unknown[]);
  const flatten = (node: PlanNode): { node: string; relation: string | undefined; rows: number }[] => [
    { node: node['Node Type'], relation: node['Relation Name'], rows: node['Actual Rows'] },
    ...(node.Plans ?? []).flatMap(flatten),
  ];
  return flatten(rows[0]['QUERY PLAN'][0].Plan);
}

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
    await ops.post('/api/circuit-breakers/reset/file_store').send({ reason: 'third' });
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
    expect((await page('limit=1')).items).toMatchObject([{ service: 'file_store', text: 'third' }]);
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

  it('acts on no service that is not configured, and claims nothing in the audit trail', async () => {
    const { db } = api.database;
    const acts = () => db.auditEvent.count({ where: { subject: 'service', type: { not: 'service.refused' } } });
    const before = await acts();
    const reset = await api.admin.post('/api/circuit-breakers/reset/hubspot').send({ reason: REASON });
    expect([reset.status, reset.body]).toEqual([200, { ...CLOSED, configured: false }]);
    for (const act of ['pause', 'resume']) {
      const answer = await api.admin.post(`/api/circuit-breakers/${act}/hubspot`).send({ reason: REASON });
      expect(answer.body).toEqual(problem('not-configured', 409));
    }
    expect(await acts()).toBe(before);
  });

  it('pauses, resumes and resets the lane of HubSpot by the same signals', async () => {
    await noteHubspot(api.database.db, true);
    const hubspot = await TestApi.create({ database: api.database, temporal });
    const lane = await temporal.client.workflow.start('crmSync', {
      workflowId: laneId(HUBSPOT_LANE),
      taskQueue: TASK_QUEUES.processes,
    });
    for (const act of ['reset', 'pause', 'resume']) {
      const answer = await hubspot.admin.post(`/api/circuit-breakers/${act}/hubspot`);
      expect([answer.status, answer.body.paused]).toEqual([200, act === 'pause']);
    }
    const { events } = await lane.fetchHistory();
    const signals = (events ?? []).map((one) => one.workflowExecutionSignaledEventAttributes?.signalName);
    expect(signals.filter(Boolean)).toEqual(['retryNow', 'pause', 'resume']);
    await noteHubspot(api.database.db, false);
    await hubspot.close();
  });

  it('is named as the one who paused, and since when, with Temporal away too', async () => {
    await startLane();
    const ops = await api.person('the one who pauses', 'ops');
    const { id: actor } = await api.database.db.principal.findUniqueOrThrow({ where: { name: 'the one who pauses' } });
    await ops.post('/api/circuit-breakers/pause/email').send({ reason: REASON });
    await api.admin.post('/api/circuit-breakers/pause/email');
    away = await renewed(away);
    for (const one of [api, away]) {
      const { email } = (await status(one)).breakers;
      expect(email).toMatchObject({ paused: true, pausedBy: actor, pausedSince: expect.any(String) });
    }
    const { pausedNote } = await api.database.db.lane.findUniqueOrThrow({ where: { name: MAIL_LANE } });
    expect(await api.database.db.operatorNote.findUnique({ where: { id: pausedNote ?? '' } })).toMatchObject({
      text: REASON,
    });
    await ops.post('/api/circuit-breakers/resume/email');
    expect((await status(api)).breakers.email).toMatchObject({ paused: false, pausedBy: null, pausedSince: null });
  });

  it('is told at once where Temporal is away, and of a service that is unknown or not configured', async () => {
    const { status: code, body, headers } = await away.admin.post('/api/circuit-breakers/reset/email');
    expect([code, body, headers['retry-after']]).toEqual([503, problem('processes-unavailable', 503), '1']);
    expect((await api.admin.post('/api/circuit-breakers/reset/fax')).body).toEqual(problem('not-found', 404));
    expect((await api.admin.post('/api/circuit-breakers/pause/file_store')).body).toEqual(problem('no-lane', 409));
    expect(
      (await api.admin.post('/api/circuit-breakers/pause/email').send({ reason: 'x'.repeat(10_001) })).status,
    ).toBe(400);
  });
});
