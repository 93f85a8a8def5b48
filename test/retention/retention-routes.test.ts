import { problem, TestApi } from '../api/test-api';
import { carryOut, daysAgo, plantDraft, plantPeople } from '../support/old-drafts';

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.create();
  await plantPeople(api.database.db);
});
afterEach(() => api?.close());

const cleanUp = (body: object = {}) => api.admin.post('/api/gdpr/cleanup-old-drafts').send(body);

describe('POST /api/gdpr/cleanup-old-drafts', () => {
  it('starts a run, which is read at its Location until it is done', async () => {
    await plantDraft(api.database.db);
    const { status, headers, body } = await cleanUp();
    expect([status, headers.location]).toEqual([202, `/api/gdpr/cleanups/${body.id}`]);
    expect(body).toMatchObject({ status: 'running', drafts: 0, held: 0, reason: null, finishedAt: null });
    expect(Date.parse(body.startedAt) - Date.parse(body.before)).toBe(90 * 86_400_000);
    expect((await api.admin.get(headers.location as string)).body).toEqual(body);
    const [message] = await api.database.db.outboxMessage.findMany();
    expect(message).toMatchObject({ process: 'draftRetention', entityId: body.id });
    await carryOut(api.database.db, body.id);
    const done = await api.admin.get(headers.location as string);
    expect(done.body).toMatchObject({ status: 'done', drafts: 1, held: 0, finishedAt: expect.any(String) });
  });

  it('is refused while another runs', async () => {
    await cleanUp();
    const second = await cleanUp({ olderThanDays: 30 });
    expect([second.status, second.body]).toEqual([409, problem('cleanup-running', 409)]);
    expect(await api.database.db.cleanup.count()).toBe(1);
    expect(await api.database.db.outboxMessage.count()).toBe(1);
  });

  it('with dryRun only counts, which a run does not keep from', async () => {
    await plantDraft(api.database.db, { createdAt: daysAgo(31) });
    await plantDraft(api.database.db, { createdAt: daysAgo(29) });
    await cleanUp();
    const { status, body } = await cleanUp({ olderThanDays: 30, dryRun: true });
    expect([status, body]).toEqual([200, { drafts: 1, held: 0 }]);
    expect(await api.database.db.cleanup.count()).toBe(1);
    expect(await api.database.db.draft.count({ where: { status: 'erased' } })).toBe(0);
  });

  it.each([0, -1, 1.5, '90', null, 36_501])('takes no olderThanDays of %p', async (olderThanDays) => {
    const { status, body } = await cleanUp({ olderThanDays });
    expect([status, body.errors]).toEqual([
      400,
      [{ path: 'olderThanDays', message: 'must be a whole number from 1 to 36500' }],
    ]);
    expect(await api.database.db.cleanup.count()).toBe(0);
  });

  it.each([1, 36_500])('takes olderThanDays of %p', async (olderThanDays) => {
    const { status, body } = await cleanUp({ olderThanDays });
    expect(status).toBe(202);
    expect(Date.parse(body.startedAt) - Date.parse(body.before)).toBe(olderThanDays * 86_400_000);
  });

  it('is for admins', async () => {
    const approver = await api.person('Ada', 'approver', 'author', 'ops');
    for (const call of [
      approver.post('/api/gdpr/cleanup-old-drafts').send({ dryRun: true }),
      approver.get('/api/gdpr/cleanups'),
      approver.get('/api/gdpr/cleanups/0197a000-0000-7000-8000-000000000001'),
      approver.get('/api/gdpr/statistics'),
    ]) {
      expect((await call).status).toBe(403);
    }
  });
});

describe('GET /api/gdpr/cleanups', () => {
  it('lists the runs, newest first, in pages', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      ids.unshift((await cleanUp()).body.id);
      await carryOut(api.database.db, ids[0] as string);
    }
    const first = await api.admin.get('/api/gdpr/cleanups?limit=2');
    const second = await api.admin.get(`/api/gdpr/cleanups?limit=2&cursor=${first.body.nextCursor}`);
    expect([...first.body.items, ...second.body.items].map(({ id }) => id)).toEqual(ids);
    expect(second.body.nextCursor).toBeNull();
  });

  it('knows no other', async () => {
    const { status, body } = await api.admin.get('/api/gdpr/cleanups/0197a000-0000-7000-8000-000000000001');
    expect([status, body]).toEqual([404, problem('not-found', 404)]);
  });
});

describe('GET /api/gdpr/statistics', () => {
  it('says the same before and after', async () => {
    await plantDraft(api.database.db);
    const before = await api.admin.get('/api/gdpr/statistics');
    expect(before.body.drafts).toHaveLength(1);
    await carryOut(api.database.db, (await cleanUp()).body.id);
    expect((await api.admin.get('/api/gdpr/statistics')).body).toEqual(before.body);
  });
});

describe('an erased draft', () => {
  let id: string;
  beforeEach(async () => {
    id = await plantDraft(api.database.db);
    await carryOut(api.database.db, (await cleanUp()).body.id);
  });

  it.each<[string, string, object | undefined]>([
    ['get', '', undefined],
    ['get', '/events', undefined],
    ['put', '', { subject: 'anew' }],
    ['post', '/approve', { revision: 1 }],
    ['post', '/reject', { reason: 'no' }],
    ['post', '/request-changes', { comment: 'no' }],
    ['post', '/withdraw', {}],
    ['post', '/resolve', { as: 'sent', reason: 'no' }],
  ])('is gone: %s /api/drafts/:id%s', async (method, path, body) => {
    const ada = await api.person('Ada', 'author', 'approver');
    const asked = ada[method as 'get'](`/api/drafts/${id}${path}`).set('If-Match', '"1"');
    const answer = await (body ? asked.send(body) : asked);
    expect([answer.status, answer.body]).toEqual([410, problem('erased', 410)]);
  });

  it('is in no list but that of the erased', async () => {
    const young = await plantDraft(api.database.db, { createdAt: daysAgo(1) });
    const ada = await api.person('Ada', 'approver');
    const list = async (query: string) => (await ada.get(`/api/drafts${query}`)).body.items as { id: string }[];
    expect((await list('')).map((one) => one.id)).toEqual([young]);
    const erased = await list('?status=erased');
    expect(erased).toMatchObject([{ id, status: 'erased', to: null, subject: null, replyTo: null }]);
    expect(await list('?q=minutes')).toHaveLength(1);
  });
});
