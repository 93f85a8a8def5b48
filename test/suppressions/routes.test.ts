import type TestAgent from 'supertest/lib/agent';
import { createSubjects } from '../../activities/personal-data/subject';
import { insertSuppression } from '../../activities/personal-data/suppress';
import { problem, TestApi } from '../api/test-api';
import { SETTINGS } from '../support/commands';

const WHOLE = '/api/suppressions';
const { hashesOf } = createSubjects(SETTINGS.SECRET_KEY);

let api: TestApi;
let admin: TestAgent;
beforeEach(async () => {
  api = await TestApi.create();
  admin = await api.person('Ada', 'admin');
});
afterEach(() => api?.close());

const add = (email: string, reason = 'asked on the phone') => admin.post(WHOLE).send({ email, reason });
const listed = async () => (await admin.get(WHOLE)).body.items.map(({ email }: { email: string }) => email);
const events = () =>
  api.database.db.auditEvent.findMany({ where: { subject: 'suppression' }, orderBy: { position: 'asc' } });
/** As the acceptance of an erasure does. */
const erase = (email: string, erasureId: string) =>
  api.database.db.$transaction((tx) => insertSuppression(tx, { kind: 'erased', hashes: hashesOf(email), erasureId }));

it('an address is suppressed, read, listed and removed, and each is written down without it', async () => {
  const { status, headers, body } = await add('reader@example.org');
  expect([status, headers.location]).toEqual([201, `${WHOLE}/${body.id}`]);
  expect(body).toEqual({
    id: expect.any(String),
    kind: 'manual',
    email: 'reader@example.org',
    reason: 'asked on the phone',
    createdAt: expect.stringMatching(/Z$/),
  });
  expect((await admin.get(headers.location as string)).body).toEqual(body);
  expect((await admin.get(WHOLE)).body).toEqual({ items: [body], nextCursor: null });
  expect((await admin.delete(headers.location as string)).status).toBe(204);
  expect((await admin.get(WHOLE)).body.items).toEqual([]);
  expect(await api.database.db.suppressedHash.count()).toBe(0);
  const [added, removed, ...more] = await events();
  expect(more).toEqual([]);
  expect(added).toMatchObject({ type: 'suppression.added', subjectId: body.id, data: { kind: 'manual' } });
  expect(removed).toMatchObject({ type: 'suppression.removed', subjectId: body.id, data: { kind: 'manual' } });
  expect(added?.actorId).toBe(removed?.actorId);
});

it('an address that is suppressed already is answered as it is, in whatever spelling, also when many add it at once', async () => {
  const first = (await add('Reader@BÜCHER.example')).body;
  const again = await add('reader@xn--bcher-kva.example', 'another reason');
  expect([again.status, again.headers.location, again.body]).toEqual([200, `${WHOLE}/${first.id}`, first]);
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => add(i % 2 ? 'ADA@x.example' : 'ada@X.example')),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect(await events()).toHaveLength(2);
});

it('an address is removed by naming it in the body, in whatever spelling; the others stay', async () => {
  await add('reader@bücher.example');
  await add('reader@buecher.example');
  const remove = (email: string) => admin.delete(WHOLE).send({ email });
  expect((await remove('READER@XN--BCHER-KVA.example')).status).toBe(204);
  expect(await listed()).toEqual(['reader@buecher.example']);
  const none = await remove('reader@bücher.example');
  expect([none.status, none.body]).toEqual([404, problem('not-found', 404)]);
});

it('the suppression of an erased person can neither be removed nor learns their address again', async () => {
  const { suppression } = await erase('gone@example.org', '01a20d18-0000-7000-8000-000000000001');
  const repeated = await erase('gone@example.org', '01a20d18-0000-7000-8000-000000000001');
  expect(repeated).toEqual({ suppression, added: false });
  for (const refused of [
    await admin.delete(`${WHOLE}/${suppression.id}`),
    await admin.delete(WHOLE).send({ email: 'gone@example.org' }),
  ]) {
    expect([refused.status, refused.body]).toEqual([409, problem('erased-person', 409)]);
    expect(refused.body.detail).toMatch(/has been erased/);
  }
  const again = await add('Gone@Example.org', 'about gone@example.org');
  expect([again.status, again.body]).toMatchObject([
    200,
    { id: suppression.id, kind: 'erased', email: null, reason: null },
  ]);
  const rows = await api.database.db.suppression.findMany();
  expect(JSON.stringify(rows).toLowerCase()).not.toContain('gone@example.org');
});

it('what an admin had suppressed by hand can still be removed after an erasure, which keeps its own', async () => {
  const manual = (await add('both@example.org')).body;
  const { suppression, added } = await erase('both@example.org', '01a20d18-0000-7000-8000-000000000002');
  expect(added).toBe(true);
  expect((await admin.delete(WHOLE).send({ email: 'both@example.org' })).status).toBe(409);
  expect((await admin.delete(`${WHOLE}/${manual.id}`)).status).toBe(204);
  expect((await admin.get(WHOLE)).body.items).toMatchObject([{ id: suppression.id }]);
  const [{ suppressed }] = await api.database.db.$queryRaw<[{ suppressed: boolean }]>`
    SELECT is_suppressed(${hashesOf('both@example.org')}::bytea[]) AS suppressed`;
  expect(suppressed).toBe(true);
});

it('the list comes in pages, newest first, none left out and none twice', async () => {
  const emails = Array.from({ length: 7 }, (_, i) => `reader-${i}@example.org`);
  for (const email of emails) await add(email);
  // All at one moment: only the id tells them apart.
  await api.database.db.suppression.updateMany({ data: { createdAt: new Date() } });
  const seen: string[] = [];
  let cursor: string | null = '';
  for (let pages = 0; cursor !== null; pages++) {
    expect(pages).toBeLessThan(4);
    const { body } = await admin.get(WHOLE).query({ limit: 2, cursor });
    seen.push(...body.items.map(({ email }: { email: string }) => email));
    cursor = body.nextCursor;
  }
  expect(seen).toEqual([...emails].reverse());
});

it('what is wrong with a request is told by field', async () => {
  const faults = async (request: ReturnType<typeof add>) => {
    const { status, body } = await request;
    return [status, body.errors?.map(({ path }: { path: string }) => path)];
  };
  expect(await faults(admin.post(WHOLE).send({ email: 'Ada <ada@example.org>', reason: ' ' }))).toEqual([
    400,
    ['email', 'reason'],
  ]);
  expect(await faults(admin.post(WHOLE).send({ email: 'ada@example.org' }))).toEqual([400, ['reason']]);
  expect(await faults(admin.post(WHOLE).send({ email: 'ada@example.org', reason: 'x', kind: 'erased' }))).toEqual([
    400,
    ['kind'],
  ]);
  expect(await faults(admin.delete(WHOLE).send({}))).toEqual([400, ['email']]);
  expect(await faults(admin.get(WHOLE).query({ cursor: 'x' }) as never)).toEqual([400, ['cursor']]);
  expect((await admin.delete(`${WHOLE}/reader@example.org`)).status).toBe(404);
  expect((await admin.delete(`${WHOLE}/01a20d18-0000-7000-8000-000000000000`)).status).toBe(404);
  expect(await listed()).toEqual([]);
});

it('only an admin may look or change', async () => {
  const { id } = (await add('reader@example.org')).body;
  for (const role of ['author', 'approver', 'ops'] as const) {
    const person = await api.person(`only ${role}`, role);
    const answers = [
      await person.get(WHOLE),
      await person.get(`${WHOLE}/${id}`),
      await person.post(WHOLE).send({ email: 'x@example.org', reason: 'x' }),
      await person.delete(`${WHOLE}/${id}`),
      await person.delete(WHOLE).send({ email: 'reader@example.org' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
  }
  expect(await listed()).toEqual(['reader@example.org']);
});

it('an agent cannot learn who is suppressed by submitting drafts', async () => {
  await add('reader@example.org');
  const author = await api.person('an agent', 'author');
  const submit = async (to: string) => {
    const { status, body } = await author.post('/api/drafts').send({ to, subject: 'Hello', body: 'Hello.' });
    return [status, body.status, body.outcome, body.failure];
  };
  expect(await submit('reader@example.org')).toEqual(await submit('other@example.org'));
});
