import { aDraft } from '../support/commands';
import { problem, TestApi } from './test-api';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.create();
});
afterAll(() => api?.close());

describe('keys', () => {
  it('are made for a person or an agent, shown once, listed without the key, and ended', async () => {
    const given = { name: 'Ada', email: 'ada@example.org', roles: ['approver', 'author'], groups: ['legal'] };
    const { status, body } = await api.admin.post('/api/keys').send(given);
    expect([status, body]).toEqual([
      201,
      {
        id: expect.any(String),
        name: 'Ada',
        roles: given.roles,
        key: expect.stringMatching(/^cs_[\w-]{43}$/),
        createdAt: expect.any(String),
      },
    ]);
    const listed = async () =>
      (await api.admin.get('/api/keys')).body.items.find(({ id }: { id: string }) => id === body.id);
    expect(await listed()).toEqual({ ...given, id: body.id, createdAt: body.createdAt, endedAt: null });
    await api.admin.delete(`/api/keys/${body.id}`);
    expect((await listed()).endedAt).toEqual(expect.any(String));
    expect((await api.admin.delete(`/api/keys/${body.id}`)).body).toEqual(problem('not-found', 404));
    expect((await api.admin.delete('/api/keys/123')).body).toEqual(problem('not-found', 404));
  });

  it('of one new name, made at once, are one principal', async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, () => api.admin.post('/api/keys').send({ name: 'A crowd', roles: ['author'] })),
    );
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201]));
    const principals = await api.database.db.principal.findMany({
      where: { name: 'A crowd' },
      include: { _count: { select: { keys: true } } },
    });
    expect(principals.map(({ _count }) => _count.keys)).toEqual([20]);
  });

  it('are listed newest first, in pages', async () => {
    const made = [];
    for (let i = 0; i < 3; i++) made.unshift((await api.keyFor(`number ${i}`, 'ops')).id);
    const first = (await api.admin.get('/api/keys?limit=2')).body;
    const second = (await api.admin.get('/api/keys').query({ limit: 1, cursor: first.nextCursor })).body;
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made);
  });
});

describe('the policy', () => {
  const document = {
    mode: 'active',
    rules: [{ name: 'trusted', when: { author: 'an agent' }, then: { outcome: 'require', approvals: 1, hard: true } }],
    otherwise: { outcome: 'require' },
  };

  it('is read as it was written, with its version as ETag', async () => {
    const before = await api.admin.get('/api/policy');
    expect([before.status, before.headers.etag]).toEqual([200, '"1"']);
    const written = await api.admin.put('/api/policy').send(document);
    expect([written.status, written.headers.etag, written.body]).toEqual([200, '"2"', document]);
    const read = await api.admin.get('/api/policy');
    expect([read.headers.etag, read.body]).toEqual(['"2"', document]);
  });

  it('is replaced only on top of the version that was read, where that is named', async () => {
    const { headers } = await api.admin.get('/api/policy');
    const put = () =>
      api.admin
        .put('/api/policy')
        .set('If-Match', headers.etag as string)
        .send(document);
    expect((await put()).status).toBe(200);
    expect((await put()).body).toEqual(problem('precondition-failed', 412));
    expect((await api.admin.put('/api/policy').send(document)).status).toBe(200);
  });

  it('is refused with every fault named', async () => {
    const { status, body } = await api.admin
      .put('/api/policy')
      .send({ ...document, rules: [{ name: 'x', when: { campaign: 'x' }, then: {} }] });
    expect([status, body.errors.map(({ path }: { path: string }) => path)]).toEqual([
      400,
      ['rules.0.when.campaign', 'rules.0.then.outcome'],
    ]);
  });
});

describe('the audit trail', () => {
  it('tells who did what, newest first, by filter and in pages', async () => {
    const agent = await api.person('a traced agent', 'author');
    const { id } = (await agent.post('/api/drafts').send(aDraft())).body;
    const withdrawn = await agent.post(`/api/drafts/${id}/withdraw`).send({ reason: 'Not for the trail.' });
    const list = async (query: object) => (await api.admin.get('/api/audit').query(query)).body;
    const types = (page: { items: { type: string }[] }) => page.items.map(({ type }) => type);

    const first = await list({ subjectId: id, limit: 1 });
    const second = await list({ subjectId: id, limit: 1, cursor: first.nextCursor });
    expect([types(first), types(second), second.nextCursor]).toEqual([['draft.withdrawn'], ['draft.submitted'], null]);
    expect(first.items[0]).toMatchObject({
      by: 'a traced agent',
      subject: 'draft',
      revision: 1,
      requestId: withdrawn.headers['x-request-id'],
    });
    expect(JSON.stringify(first)).not.toContain('Not for the trail');
    expect(types(await list({ actor: 'a traced agent', type: 'draft.submitted' }))).toEqual(['draft.submitted']);
    expect(types(await list({ requestId: withdrawn.headers['x-request-id'] }))).toEqual(['draft.withdrawn']);
    const { at } = first.items[0];
    expect(types(await list({ subjectId: id, to: at }))).toEqual(['draft.submitted']);
    expect(types(await list({ subjectId: id, from: at }))).toEqual(['draft.withdrawn']);
    for (const from of ['yesterday', '0000-01-01T00:00:00Z']) {
      expect((await api.admin.get('/api/audit').query({ from })).status).toBe(400);
    }
  });
});

describe('a request id', () => {
  it('is ours unless the client gives a UUID, and is in the audit trail', async () => {
    const own = '7F0C2B1E-5A3D-4C6B-8E9F-0A1B2C3D4E5F';
    const { headers } = await api.admin
      .post('/api/keys')
      .set('X-Request-Id', own)
      .send({ name: 'x', roles: ['ops'] });
    expect(headers['x-request-id']).toBe(own.toLowerCase());
    expect(await api.database.db.auditEvent.count({ where: { requestId: own.toLowerCase() } })).toBe(1);
    const other = await api.anyone.get('/health').set('X-Request-Id', 'ada@example.org');
    expect(other.headers['x-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it('of the client comes back and is logged beside ours, which stays the one of the audit trail', async () => {
    const given = 'checkout_7.a-3f9c';
    const { headers } = await api.admin
      .post('/api/keys')
      .set('X-Request-Id', given)
      .send({ name: 'y', roles: ['ops'] });
    const ours = headers['x-countersign-request-id'] as string;
    expect(headers['x-request-id']).toBe(given);
    expect(ours).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(await api.database.db.auditEvent.count({ where: { requestId: ours } })).toBe(1);
    const line = api.log.map((one) => JSON.parse(one)).find(({ requestId }) => requestId === ours);
    expect(line).toMatchObject({ clientRequestId: given });
  });

  it.each([
    ['is too long', 'a'.repeat(43)],
    ['holds another character', 'a/b'],
    ['is an address', 'ada@customer.example'],
    ['is an address in hex', Buffer.from('ada@customer.example').toString('hex')],
    ['is an address in base64', Buffer.from('ada@customer.example').toString('base64url')],
    ['is an API key', `cs_${Buffer.alloc(32, 5).toString('base64url')}`],
  ])('of the client is ignored and not logged if it %s', async (_title, given) => {
    const { headers } = await api.anyone.get('/nowhere').set('X-Request-Id', given);
    expect(headers['x-request-id']).toBe(headers['x-countersign-request-id']);
    expect(api.log.join('')).not.toContain(given);
  });
});
