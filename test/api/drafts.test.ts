import type TestAgent from 'supertest/lib/agent';
import { Draft, DraftEvent } from '../../api/schemas/draft';
import { aDraft, setStatus, timeline } from '../support/commands';
import { problem, TestApi } from './test-api';

let api: TestApi;
let author: TestAgent;
let other: TestAgent;
let approver: TestAgent;
beforeAll(async () => {
  api = await TestApi.create();
  author = await api.person('an agent', 'author');
  other = await api.person('another agent', 'author');
  approver = await api.person('Ada', 'approver');
});
afterAll(() => api?.close());

async function submit(changes: object = {}): Promise<{ id: string }> {
  const { status, body } = await author.post('/api/drafts').send({ ...aDraft(), ...changes });
  expect([status, body.errors]).toEqual([201, undefined]);
  return body;
}
const UNKNOWN = '01a20d18-0000-7000-8000-000000000000';

describe('submitting a draft', () => {
  it('answers the draft in its documented shape, and where it is', async () => {
    const { status, body, headers } = await author
      .post('/api/drafts')
      .send({ ...aDraft(), replyTo: 'desk@example.org', confidence: 0.4, metadata: { order: [1, { a: null }] } });
    expect([status, headers.location]).toEqual([201, `/api/drafts/${body.id}`]);
    expect(Draft.strict().parse(body)).toEqual(body);
    expect(body).toMatchObject({
      status: 'pending_review',
      revision: 1,
      author: 'an agent',
      workflowId: `draft-${body.id}`,
    });
    expect(body.decision).toMatchObject({
      outcome: 'require',
      required: 1,
      approvals: [],
      reasons: [expect.any(String)],
    });
    expect((await author.get(`/api/drafts/${body.id}`)).body).toEqual(body);
  });

  it('answers the same draft for the same idempotency key, and refuses it for other words', async () => {
    const key = { 'Idempotency-Key': 'order 1' };
    const first = await author.post('/api/drafts').set(key).send(aDraft());
    const again = await author.post('/api/drafts').set(key).send(aDraft());
    expect([first.status, again.status, again.body.id]).toEqual([201, 201, first.body.id]);
    const differs = await author
      .post('/api/drafts')
      .set(key)
      .send(aDraft({ subject: 'Something else' }));
    expect([differs.status, differs.body]).toEqual([422, problem('idempotency-mismatch', 422)]);
    expect((await other.post('/api/drafts').set(key).send(aDraft())).body.id).not.toBe(first.body.id);
    expect((await author.post('/api/drafts').set('Idempotency-Key', 'x'.repeat(256)).send(aDraft())).status).toBe(400);
  });

  it('says approved at once where policy approves, and then has no workflow', async () => {
    await api.admin.put('/api/policy').send({
      mode: 'active',
      rules: [{ name: 'sure', when: { confidence: { gte: 0.9 } }, then: { outcome: 'auto_approve' } }],
      otherwise: { outcome: 'require' },
    });
    const { body } = await author.post('/api/drafts').send({ ...aDraft(), confidence: 0.95 });
    expect(body).toMatchObject({ status: 'approved', workflowId: null, decision: { outcome: 'auto_approve' } });
  });
});

describe('reading drafts', () => {
  it('shows an author their own and an approver all; the rest is not there', async () => {
    const { id } = await submit();
    expect((await approver.get(`/api/drafts/${id}`)).status).toBe(200);
    for (const path of [`/api/drafts/${id}`, `/api/drafts/${id}/events`, `/api/drafts/${UNKNOWN}`, '/api/drafts/123']) {
      const { status, body } = await other.get(path);
      expect([path, status, body]).toEqual([path, 404, problem('not-found', 404)]);
    }
  });

  it('lists newest first, page by page, each draft once, while others come in', async () => {
    const subject = 'One of many';
    const made = [];
    for (let i = 0; i < 5; i++) made.unshift((await submit({ subject, campaign: 'pages' })).id);
    const seen: string[] = [];
    let cursor = '';
    do {
      const { status, body } = await author.get('/api/drafts').query({ campaign: 'pages', limit: 2, cursor });
      expect(status).toBe(200);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor ?? '';
      if (seen.length === 2) await submit({ campaign: 'pages' });
    } while (cursor);
    expect(seen).toEqual(made);
  });

  it('filters by status, campaign and words', async () => {
    const { id } = await submit({ subject: 'Nightingale 100%', campaign: 'birds' });
    await approver.post(`/api/drafts/${id}/reject`).send({ reason: 'No birds.' });
    const found = async (query: object) => {
      const { body } = await author.get('/api/drafts').query({ campaign: 'birds', ...query });
      return body.items.map((draft: { id: string }) => draft.id);
    };
    expect(await found({ status: 'rejected', q: 'gale 100%' })).toEqual([id]);
    expect(await found({ status: 'pending_review' })).toEqual([]);
    expect(await found({ q: 'gale_100' })).toEqual([]);
    expect(await found({ status: '' })).toEqual([id]);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=ten', 'limit'],
    ['status=asleep', 'status'],
    ['colour=blue', 'colour'],
    ['cursor=bm9uc2Vuc2U', 'cursor'],
    ['cursor=W251bGwsIngiXQ', 'cursor'],
    ['cursor=Wzg2NDAwMDAwMDAwMDAwMDAsIjAxYTIwZDE4LTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCJd', 'cursor'],
    ['q=a&q=b', 'q'],
    ['q=%00', 'q'],
  ])('refuses ?%s', async (query, path) => {
    const { status, body } = await author.get(`/api/drafts?${query}`);
    expect([status, body.errors?.[0]?.path]).toEqual([400, path]);
  });

  it("tells a draft's timeline, oldest first and in pages", async () => {
    const { id } = await submit();
    await approver.post(`/api/drafts/${id}/request-changes`).send({ comment: 'Shorter, please.' });
    await author.put(`/api/drafts/${id}`).set('If-Match', '"1"').send({ body: 'Here.' });
    const first = (await author.get(`/api/drafts/${id}/events?limit=2`)).body;
    const rest = (await author.get(`/api/drafts/${id}/events`).query({ limit: 2, cursor: first.nextCursor })).body;
    const events = [...first.items, ...rest.items];
    expect(events.map(({ type }) => type)).toEqual(['draft.submitted', 'draft.changes_requested', 'draft.revised']);
    expect(events.map((event) => DraftEvent.strict().parse(event))).toEqual(events);
    expect(events[1]).toMatchObject({ by: 'Ada', revision: 1, data: { comment: 'Shorter, please.' } });
    expect(rest.nextCursor).toBeNull();
  });

  it('says of an erased draft that it has been erased', async () => {
    const { id } = await submit();
    await setStatus(api.database.db, id, 'erased');
    for (const answer of [
      author.get(`/api/drafts/${id}`),
      approver.post(`/api/drafts/${id}/approve`).send({ revision: 1 }),
    ]) {
      const { status, body } = await answer;
      expect([status, body]).toEqual([410, problem('erased', 410)]);
    }
    const put = (agent: TestAgent) => agent.put(`/api/drafts/${id}`).set('If-Match', '"1"').send({ body: 'x' });
    expect((await put(author)).body).toEqual(problem('erased', 410));
    for (const answer of [other.get(`/api/drafts/${id}`), put(other), other.post(`/api/drafts/${id}/withdraw`)]) {
      expect((await answer).body).toEqual(problem('not-found', 404));
    }
  });
});

describe('revising a draft', () => {
  it('needs the revision that was read, and makes the next one', async () => {
    const { id } = await submit();
    const put = (condition: string | null, fields: object = { subject: 'Better' }) => {
      const request = author.put(`/api/drafts/${id}`);
      return (condition === null ? request : request.set('If-Match', condition)).send(fields);
    };
    expect((await put(null)).body).toEqual(problem('precondition-required', 428));
    expect((await put('"1"')).body).toMatchObject({ subject: 'Better', revision: 2, status: 'pending_review' });
    expect((await put('"1"')).body).toEqual(problem('precondition-failed', 412));
    expect((await put('"nonsense"')).body).toEqual(problem('precondition-failed', 412));
    expect((await put('"2"', {})).body.errors).toEqual([{ path: '', message: 'must change something' }]);
    expect((await put('"2"', { body: 'x', to: 'x@example.org' })).body.errors).toEqual([
      { path: 'to', message: 'is not a known field' },
    ]);
    expect((await put('"2"', { html: null, sendAt: '2026-02-30T00:00:00Z' })).status).toBe(400);
  });

  it('asks a person for what policy had approved', async () => {
    const { body } = await author.post('/api/drafts').send({ ...aDraft(), confidence: 0.95 });
    expect(body.decision).toMatchObject({ outcome: 'auto_approve', required: 0 });
    const revised = await author.put(`/api/drafts/${body.id}`).set('If-Match', '"1"').send({ body: 'Other words.' });
    expect(revised.body).toMatchObject({ status: 'pending_review', workflowId: `draft-${body.id}`, dueAt: null });
    const { reasons } = body.decision;
    expect(revised.body.decision).toEqual({
      ...body.decision,
      outcome: 'require',
      required: 1,
      reasons: [...reasons, expect.stringContaining('a person decides')],
    });
    expect((await author.get(`/api/drafts/${body.id}`)).body).toEqual(revised.body);
  });

  it('is refused once the send has begun, and to other authors', async () => {
    const { id } = await submit();
    const put = (agent: TestAgent) => agent.put(`/api/drafts/${id}`).set('If-Match', '"1"').send({ body: 'x' });
    expect((await put(other)).status).toBe(404);
    await setStatus(api.database.db, id, 'sending');
    expect((await put(author)).body).toEqual(problem('wrong-state', 409));
  });
});

describe('deciding', () => {
  it('approves once, answers a repeat alike, and refuses another decision', async () => {
    const { id } = await submit();
    const first = await approver.post(`/api/drafts/${id}/approve`).send({ revision: 1, comment: 'Good.' });
    expect([first.status, first.body.status]).toEqual([200, 'approved']);
    expect(first.body.decision.approvals).toEqual([
      { by: 'Ada', at: expect.any(String), revision: 1, comment: 'Good.' },
    ]);
    const again = await approver.post(`/api/drafts/${id}/approve`).send({ revision: 1 });
    expect([again.status, again.body]).toEqual([200, first.body]);
    const rejected = await approver.post(`/api/drafts/${id}/reject`).send({ reason: 'No.' });
    expect([rejected.status, rejected.body]).toEqual([409, problem('already-decided', 409)]);
    expect(await timeline(api.database.db, id)).toEqual(['submitted', 'approved', 'refused:already_decided']);
  });

  it('answers 50 identical approvals at once alike, and notes one', async () => {
    const { id } = await submit();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => approver.post(`/api/drafts/${id}/approve`).send({ revision: 1 })),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1);
    expect(await timeline(api.database.db, id)).toEqual(['submitted', 'approved']);
  });

  it('refuses a stale revision, an unknown draft, and the author themselves', async () => {
    const { id } = await submit();
    const stale = await approver.post(`/api/drafts/${id}/approve`).send({ revision: 2 });
    expect([stale.status, stale.body]).toEqual([409, problem('stale-revision', 409)]);
    expect((await approver.post(`/api/drafts/${UNKNOWN}/approve`).send({ revision: 1 })).body).toEqual(
      problem('not-found', 404),
    );
    expect((await approver.post('/api/drafts/123/approve').send({ revision: 1 })).body).toEqual(
      problem('not-found', 404),
    );
    const both = await api.person('an agent', 'author', 'approver');
    expect((await both.post(`/api/drafts/${id}/approve`).send({ revision: 1 })).body).toEqual(
      problem('four-eyes', 403),
    );
  });

  it('refuses an approval that does not say what was read', async () => {
    const { id } = await submit();
    for (const path of [`/api/drafts/${id}/approve`, `/api/workflows/draft-${id}/approve`]) {
      const { status, body } = await approver.post(path).send({ comment: 'Good.' });
      expect([path, status, body.errors]).toEqual([path, 400, [{ path: 'revision', message: 'is required' }]]);
    }
    const decisions = [{ id, decision: 'approve' }];
    const many = await approver.post('/api/drafts/decisions').send({ decisions });
    expect([many.status, many.body.errors]).toEqual([400, [{ path: 'decisions.0.revision', message: 'is required' }]]);
    expect((await approver.get(`/api/drafts/${id}`)).body.status).toBe('pending_review');
  });

  it('takes an id in capitals for the same draft', async () => {
    const { id } = await submit();
    const { status, body } = await approver
      .post(`/api/drafts/${id.toUpperCase()}/approve`)
      .send({ revision: 1, comment: '' });
    expect([status, body.id, body.decision.approvals[0].comment]).toEqual([200, id, null]);
  });

  it('needs words for a rejection and for changes', async () => {
    const { id } = await submit();
    for (const [act, path] of [
      ['reject', 'reason'],
      ['request-changes', 'comment'],
    ]) {
      const { status, body } = await approver.post(`/api/drafts/${id}/${act}`).send({});
      expect([status, body.errors]).toEqual([400, [{ path, message: 'is required' }]]);
      const long = await approver.post(`/api/drafts/${id}/${act}`).send({ [path as string]: 'x'.repeat(10_001) });
      expect(long.status).toBe(400);
    }
  });

  it('is the same by the id of the workflow', async () => {
    const { id } = await submit();
    const approved = await approver.post(`/api/workflows/draft-${id}/approve`).send({ revision: 1 });
    expect([approved.status, approved.body.status]).toEqual([200, 'approved']);
    expect((await approver.post(`/api/workflows/draft-${id}/reject`).send({ reason: 'No.' })).status).toBe(409);
    for (const workflow of ['123', id, 'draft-123', `draft-${UNKNOWN}`]) {
      expect((await approver.post(`/api/workflows/${workflow}/approve`).send({ revision: 1 })).body).toEqual(
        problem('not-found', 404),
      );
    }
  });

  it('answers for each of many by itself', async () => {
    const [one, two, three] = [await submit(), await submit(), await submit()];
    const decisions = [
      { id: one.id, revision: 1, decision: 'approve' },
      { id: two.id, revision: 7, decision: 'approve' },
      { id: three.id, revision: 1, decision: 'reject' },
      { id: 'nothing', revision: 1, decision: 'approve' },
      { id: three.id, revision: 1, decision: 'request_changes', comment: 'Shorter.' },
    ];
    const { status, body } = await approver.post('/api/drafts/decisions').send({ decisions });
    expect(status).toBe(200);
    expect(body.items.map((item: { status: number }) => item.status)).toEqual([200, 409, 400, 404, 200]);
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual(decisions.map(({ id }) => id));
    expect(body.items[0].draft.status).toBe('approved');
    expect(body.items[1].problem).toEqual(problem('stale-revision', 409));
    expect(body.items[2].problem.errors).toEqual([{ path: 'comment', message: 'is required' }]);
    expect(body.items[4].draft.status).toBe('changes_requested');
    expect((await approver.post('/api/drafts/decisions').send({ decisions: [] })).status).toBe(400);
  });
});

it('many decisions on one draft are taken in their order', async () => {
  const { id } = await submit();
  const words = ['request_changes', 'approve', 'reject', 'request_changes', 'approve', 'reject'];
  const decisions = words.map((decision, i) => ({
    id: i % 2 ? id : id.toUpperCase(),
    revision: 1,
    decision,
    comment: 'x',
  }));
  const { body } = await approver.post('/api/drafts/decisions').send({ decisions });
  expect(body.items.map(({ status }: { status: number }) => status)).toEqual([200, 409, 409, 200, 409, 409]);
});

describe('withdrawing and resolving', () => {
  it('withdraws until the send begins', async () => {
    const { id } = await submit();
    expect((await other.post(`/api/drafts/${id}/withdraw`)).status).toBe(404);
    expect((await author.post(`/api/drafts/${id}/withdraw`).send({ reason: 'Too early.' })).body.status).toBe(
      'withdrawn',
    );
    const late = await submit();
    await setStatus(api.database.db, late.id, 'sending');
    expect((await author.post(`/api/drafts/${late.id}/withdraw`)).body).toEqual(problem('send-begun', 409));
  });

  it('resolves a parked draft, by an approver or an admin', async () => {
    const { id } = await submit();
    const resolve = () =>
      api.admin.post(`/api/drafts/${id}/resolve`).send({ as: 'sent', reason: 'The customer has it.' });
    expect((await resolve()).body).toEqual(problem('not-parked', 409));
    await setStatus(api.database.db, id, 'failed', 'unknown');
    expect((await author.post(`/api/drafts/${id}/resolve`).send({ as: 'sent', reason: 'x' })).status).toBe(403);
    expect((await resolve()).body).toMatchObject({ status: 'sent', outcome: 'delivered' });
    expect((await approver.post(`/api/drafts/${id}/resolve`).send({ as: 'maybe', reason: 'x' })).status).toBe(400);
  });
});
