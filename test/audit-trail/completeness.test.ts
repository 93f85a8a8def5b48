// Every refusal is written down: who, on what, why. What succeeds is tested beside each command.
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type TestAgent from 'supertest/lib/agent';
import { uuidv7 } from 'uuidv7';
import { createSealer } from '../../activities/audit-trail/seal';
import { problem, TestApi } from '../api/test-api';
import { aDraft } from '../support/commands';
import { newFolder } from '../support/environment';
import { tamperWith } from './sealed-trail';

let api: TestApi;
let approver: TestAgent;
let author: TestAgent;
beforeAll(async () => {
  api = await TestApi.create();
  author = await api.person('an agent', 'author');
  approver = await api.person('Ada', 'approver');
});
afterAll(() => api?.close());

interface Answer {
  status: number;
  headers: Record<string, string>;
}
const eventsOf = ({ headers }: Answer) =>
  api.database.db.auditEvent.findMany({ where: { requestId: headers['x-request-id'] as string } });
const idOf = async (name: string) => (await api.database.db.principal.findUniqueOrThrow({ where: { name } })).id;

const nothing = uuidv7();
const REFUSALS: [title: string, ask: () => PromiseLike<Answer>, status: number, event: object][] = [
  [
    'a wrong API key',
    () => api.anyone.get('/api/drafts').set('Authorization', 'Bearer nonsense'),
    401,
    { type: 'api_key.refused', subject: 'access', data: { code: 'wrong_key' } },
  ],
  [
    'what is no API key at all',
    () => api.anyone.get('/api/drafts').set('Authorization', 'Basic nonsense'),
    401,
    { type: 'api_key.refused', data: { code: 'wrong_key' } },
  ],
  [
    'a decision about a draft that is not there',
    () => approver.post(`/api/drafts/${nothing}/approve`).send({ revision: 1 }),
    404,
    { type: 'draft.refused', subjectId: nothing, data: { code: 'not_found' } },
  ],
  [
    'an attachment that is nobody’s',
    () => author.post('/api/drafts').send(aDraft({ attachments: [nothing] })),
    400,
    { type: 'draft.refused', subjectId: null, data: { code: 'invalid' } },
  ],
  [
    'the end of a key that is not there',
    () => api.admin.delete(`/api/keys/${nothing}`),
    404,
    { type: 'key.refused', subjectId: nothing, data: { code: 'not_found' } },
  ],
  [
    'a policy that was made of an old one',
    () =>
      api.admin
        .put('/api/policy')
        .set('If-Match', '"99"')
        .send({ mode: 'active', rules: [], otherwise: { outcome: 'require' } }),
    412,
    { type: 'policy.refused', subject: 'policy', data: { code: 'stale_revision' } },
  ],
  [
    'a service that nothing runs for',
    () => api.admin.post('/api/circuit-breakers/pause/hubspot').send({}),
    409,
    { type: 'service.refused', data: { service: 'hubspot', act: 'pause', code: 'not-configured' } },
  ],
  [
    'a lane that does not answer',
    () => api.admin.post('/api/circuit-breakers/pause/email').send({}),
    503,
    { type: 'service.refused', data: { service: 'email', act: 'pause', code: 'processes-unavailable' } },
  ],
  [
    'a backup that nobody can carry out',
    () => api.admin.post('/api/ops/backups').send({}),
    503,
    { type: 'backup.refused', subject: 'backup', data: { act: 'requested', code: 'processes-unavailable' } },
  ],
];

it.each(REFUSALS)('writes down %s', async (_title, ask, status, event) => {
  // As if a minute had passed since the others: equal refusals of one minute are counted.
  await api.database.db.refusalCount.deleteMany();
  const answer = await ask();
  expect(answer.status).toBe(status);
  expect(await eventsOf(answer)).toMatchObject([event]);
});

it('writes down whose key it was that has ended, for a request and for a login', async () => {
  const { id, key } = await api.keyFor('a former agent', 'author');
  await api.admin.delete(`/api/keys/${id}`);
  const actorId = await idOf('a former agent');
  const asked = await api.anyone.get('/api/drafts').set('Authorization', `Bearer ${key}`);
  const loggedIn = await api.anyone.post('/api/auth/login').send({ key });
  expect([asked.status, loggedIn.status]).toEqual([401, 401]);
  const about = { actorId, subject: 'key', subjectId: id, data: { code: 'ended_key' } };
  expect(await eventsOf(asked)).toMatchObject([{ type: 'api_key.refused', ...about }]);
  expect(await eventsOf(loggedIn)).toMatchObject([{ type: 'login.refused', ...about }]);
});

it('writes down an idempotency key that is used for something else, on the draft that has it', async () => {
  const submit = (subject: string) =>
    author.post('/api/drafts').set('Idempotency-Key', 'mine').send(aDraft({ subject }));
  const { body } = await submit('one');
  const refused = await submit('another');
  expect(refused.status).toBe(422);
  const event = { type: 'draft.refused', subjectId: body.id, data: { code: 'idempotency_mismatch' } };
  expect(await eventsOf(refused)).toMatchObject([event]);
});

it('counts no more wrong keys than the limit of a client lets through', async () => {
  const { db } = api.database;
  await db.refusalCount.deleteMany();
  const own = await TestApi.create({ database: api.database });
  const before = await db.auditEvent.count({ where: { type: 'api_key.refused' } });
  const statuses: number[] = [];
  for (let i = 0; i < 310; i += 10) {
    const asked = Array.from({ length: 10 }, () => own.anyone.get('/api/drafts').set('Authorization', 'Bearer x'));
    statuses.push(...(await Promise.all(asked)).map(({ status }) => status));
  }
  expect(statuses.filter((status) => status === 401).length).toBe(300);
  const counts = await db.refusalCount.findMany({ where: { type: 'api_key.refused' } });
  expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(300);
  expect(await db.auditEvent.count({ where: { type: 'api_key.refused' } })).toBe(before + counts.length);
  await own.close();
});

describe('GET /api/audit/verify', () => {
  it('answers what was found, to an admin alone', async () => {
    await createSealer(api.database.db)();
    const { status, body } = await api.admin.get('/api/audit/verify');
    expect([status, body]).toEqual([
      200,
      {
        ok: true,
        checked: expect.any(Number),
        anchors: 0,
        head: { position: body.checked, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
        firstBroken: null,
        reason: null,
        unknownKeys: [],
        unsealed: { events: 0, oldestSeconds: 0 },
      },
    ]);
    expect(body.checked).toBeGreaterThan(10);
    expect((await approver.get('/api/audit/verify')).body).toEqual(problem('missing-role', 403));
  });

  it('answers 503 where the anchors cannot be read, and never that all is well', async () => {
    const loop = join(newFolder('loop'), 'loop');
    symlinkSync(loop, loop);
    const own = await TestApi.create({ database: api.database, backups: pathToFileURL(loop).href });
    const { body, headers } = await own.admin.get('/api/audit/verify');
    expect([body, headers['retry-after']]).toEqual([problem('anchors-unavailable', 503), '60']);
    await own.close();
  });

  it('names the first broken position', async () => {
    await tamperWith(
      api.database,
      `UPDATE audit_events SET type = 'x' WHERE id = (SELECT event_id FROM audit_seals WHERE position = 2)`,
    );
    const { status, body } = await api.admin.get('/api/audit/verify');
    expect([status, body]).toMatchObject([200, { ok: false, firstBroken: 2, reason: 'hash_differs' }]);
  });
});
