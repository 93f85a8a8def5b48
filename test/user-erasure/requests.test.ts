// What an admin asks of erasures through the API, before anything is carried out.
import { problem, TestApi } from '../api/test-api';
import { aDraft, createTestCommands } from '../support/commands';
import { makePreview } from '../support/preview';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.create();
});
afterAll(() => api.close());

let n = 0;
const someone = () => `person-${++n}@customer.example`;
const erase = (email: string, grace?: string) =>
  api.admin.post('/api/gdpr/erasures').send({ email, ...(grace ? { grace } : {}) });
const act = (id: string, what: string, body = {}) => api.admin.post(`/api/gdpr/erasures/${id}/${what}`).send(body);
const suppressed = () => api.database.db.suppression.count({ where: { kind: 'erased' } });

describe('a request to erase a person', () => {
  it('is accepted with a place to look, without a preview yet, and a month as calendars count', async () => {
    const { status, body, headers } = await erase(someone());
    expect(status).toBe(202);
    expect(headers.location).toBe(`/api/gdpr/erasures/${body.requestId}`);
    expect(body).toMatchObject({
      workflowId: `erasure-${body.requestId}`,
      status: 'waiting',
      preview: null,
      steps: [],
      extension: null,
    });
    expect(Date.parse(body.graceUntil) - Date.parse(body.requestedAt)).toBe(24 * 3_600_000);
    const month = new Date(body.requestedAt);
    const days = (Date.parse(body.deadline) - month.getTime()) / 86_400_000;
    expect([28, 29, 30, 31]).toContain(days);
    expect((await api.admin.get(headers.location as string)).body).toEqual(body);
  });

  it('can be made with the address in the path too, in its default and any other grace', async () => {
    const { status, body } = await api.admin.delete(`/api/gdpr/user/${encodeURIComponent(someone())}?grace=PT0S`);
    expect([status, body.graceUntil]).toEqual([202, body.requestedAt]);
  });

  it('joins the one that runs already, however the address is written', async () => {
    const [first, second, third] = [
      await erase('Zoe.Q@BÜCHER.example', 'PT1H'),
      await erase('zoe.q@xn--bcher-kva.example', 'PT2H'),
      await api.admin.delete(`/api/gdpr/user/${encodeURIComponent('ZOE.Q@bücher.example')}`),
    ];
    const ids = [first, second, third].map(({ status, body }) => [status, body.requestId, body.graceUntil]);
    expect(new Set(ids.map(String)).size).toBe(1);
    expect(ids[0]?.[0]).toBe(202);
  });

  it('joins it also where both come at once', async () => {
    const email = someone();
    const answers = await Promise.all(Array.from({ length: 10 }, () => erase(email)));
    expect(new Set(answers.map(({ body }) => body.requestId)).size).toBe(1);
  });

  it('is answered for nobody we know as for somebody we know', async () => {
    const known = someone();
    const { commands, person } = createTestCommands(api.database.db, { SECRET_KEY: api.settings.SECRET_KEY });
    await commands.submitDraft(await person('an agent', 'author'), aDraft({ to: known }));
    const [yes, no] = [await erase(known), await erase(someone())];
    const shape = (body: object) =>
      JSON.stringify(body, (_key, value) => (typeof value === 'object' ? value : typeof value));
    expect(shape(yes.body)).toBe(shape(no.body));
  });

  it.each([
    ['no address', { email: 'nobody' }, 'email'],
    ['a name with it', { email: 'Ada <ada@x.example>' }, 'email'],
    ['no duration', { email: 'a@x.example', grace: '24 hours' }, 'grace'],
    ['an empty duration', { email: 'a@x.example', grace: 'PT' }, 'grace'],
    ['more than the month', { email: 'a@x.example', grace: 'P40D' }, 'grace'],
    ['an unknown field', { email: 'a@x.example', force: true }, 'force'],
  ])('is refused with %s, and names the field', async (_title, body, path) => {
    const before = await api.database.db.erasure.count();
    const answer = await api.admin.post('/api/gdpr/erasures').send(body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual([{ path, message: expect.any(String) }]);
    expect(await api.database.db.erasure.count()).toBe(before);
  });

  it('is an admin’s alone', async () => {
    const author = await api.person('only an author', 'author', 'approver', 'ops');
    expect((await author.post('/api/gdpr/erasures').send({ email: someone() })).status).toBe(403);
    expect((await author.get('/api/gdpr/erasures')).status).toBe(403);
    expect((await api.anyone.get(`/api/gdpr/user/${someone()}/export`)).status).toBe(401);
  });

  it('leaves no address in any log', async () => {
    const email = 'canary-in-the-log@customer.example';
    await api.admin.delete(`/api/gdpr/user/${email}`);
    await api.admin.get(`/api/gdpr/user/${email}/export`);
    await api.admin.delete('/api/gdpr/user/canary-in-the-log');
    expect(api.log.length).toBeGreaterThan(0);
    expect(api.log.join('')).not.toContain('canary-in-the-log');
  });
});

describe('an erasure that waits', () => {
  it('is not confirmed before it has a preview, and says when to try again', async () => {
    const { body } = await erase(someone());
    const early = await act(body.requestId, 'confirm');
    expect(early.body).toEqual(problem('preview-pending', 409));
    expect(early.headers['retry-after']).toBe('1');
    expect((await api.admin.get(`/api/gdpr/erasures/${body.requestId}`)).body.confirmedAt).toBeNull();
    await makePreview(api.database.db, body.requestId);
    expect((await act(body.requestId, 'confirm')).status).toBe(200);
  });

  it('is confirmed once, however often', async () => {
    const { body } = await erase(someone());
    await makePreview(api.database.db, body.requestId);
    const [first, second] = [await act(body.requestId, 'confirm'), await act(body.requestId, 'confirm')];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(first.body.confirmedAt).toBe(second.body.confirmedAt);
  });

  it('is cancelled, forgets whom it was about, and lets mail out again', async () => {
    const email = someone();
    const before = await suppressed();
    const { body } = await erase(email);
    expect(await suppressed()).toBe(before + 1);
    expect((await act(body.requestId, 'cancel')).body).toMatchObject({
      status: 'cancelled',
      endedAt: expect.any(String),
    });
    expect((await act(body.requestId, 'cancel')).status).toBe(200);
    expect(await suppressed()).toBe(before);
    expect(await api.database.db.erasure.findUnique({ where: { id: body.requestId } })).toMatchObject({ sealed: null });
    expect((await act(body.requestId, 'confirm')).body).toEqual(problem('wrong-state', 409));
    expect((await erase(email)).body.requestId).not.toBe(body.requestId);
  });

  it('is extended once, by two months, with a reason, in the first month alone', async () => {
    const { body } = await erase(someone());
    expect((await act(body.requestId, 'extend')).body.errors).toEqual([{ path: 'reason', message: 'is required' }]);
    const extended = await act(body.requestId, 'extend', { reason: 'many stores' });
    const asked = new Date(body.requestedAt);
    const until = new Date(extended.body.extension.until);
    expect((until.getUTCFullYear() - asked.getUTCFullYear()) * 12 + until.getUTCMonth() - asked.getUTCMonth()).toBe(3);
    expect(extended.body.extension.reason).toBe('many stores');
    expect((await act(body.requestId, 'extend', { reason: 'again' })).body).toEqual(problem('wrong-state', 409));

    const late = await erase(someone());
    await api.database.db.erasure.update({ where: { id: late.body.requestId }, data: { deadlineAt: new Date() } });
    expect((await act(late.body.requestId, 'extend', { reason: 'late' })).body).toEqual(
      problem('deadline-passed', 409),
    );
  });

  it('has no certificate yet', async () => {
    const { body } = await erase(someone());
    const { body: answer } = await api.admin.get(`/api/gdpr/erasures/${body.requestId}/certificate`);
    expect(answer).toEqual(problem('not-certified', 409));
  });

  it('is listed with the others, newest first, page by page', async () => {
    const asked = [(await erase(someone())).body, (await erase(someone())).body].reverse();
    const first = await api.admin.get('/api/gdpr/erasures?limit=1');
    const second = await api.admin.get(`/api/gdpr/erasures?limit=1&cursor=${first.body.nextCursor}`);
    expect([first, second].map(({ body }) => body.items)).toEqual(asked.map((one) => [one]));
    for (const one of asked) expect((await api.admin.get(`/api/gdpr/erasures/${one.requestId}`)).body).toEqual(one);
  });

  it('is nothing that can be found by another id', async () => {
    const nobody = '01900000-0000-7000-8000-000000000000';
    expect((await api.admin.get(`/api/gdpr/erasures/${nobody}`)).status).toBe(404);
    expect((await act(nobody, 'confirm')).status).toBe(404);
  });
});

describe('a legal hold', () => {
  const hold = (body: object) => api.admin.post('/api/gdpr/holds').send(body);

  it('is placed on a person or a draft, listed without the person, and released once', async () => {
    const placed = await hold({ email: someone(), reason: 'a law suit', until: '2099-01-01T00:00:00Z' });
    expect([placed.status, placed.headers.location]).toEqual([201, `/api/gdpr/holds/${placed.body.id}`]);
    expect(placed.body).toMatchObject({
      kind: 'person',
      draftId: null,
      reason: 'a law suit',
      until: '2099-01-01T00:00:00.000Z',
    });
    const { body } = await api.admin.get('/api/gdpr/holds?limit=1');
    expect(body.items).toEqual([placed.body]);
    expect((await api.admin.delete(`/api/gdpr/holds/${placed.body.id}`)).status).toBe(204);
    expect((await api.admin.delete(`/api/gdpr/holds/${placed.body.id}`)).status).toBe(404);
  });

  it.each([
    ['nothing', { reason: 'x' }, 'email'],
    ['both', { email: 'a@x.example', draftId: '01900000-0000-7000-8000-000000000000', reason: 'x' }, 'email'],
    ['no reason', { email: 'a@x.example' }, 'reason'],
    ['an end that is no time', { email: 'a@x.example', reason: 'x', until: 'soon' }, 'until'],
  ])('is refused with %s', async (_title, body, path) => {
    const answer = await hold(body);
    expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([400, path]);
  });

  it('is refused on a draft that is not there', async () => {
    const draftId = '01900000-0000-7000-8000-000000000000';
    expect((await hold({ draftId, reason: 'x' })).body).toEqual(problem('not-found', 404));
  });
});
