import { randomBytes } from 'node:crypto';
import { aDraft } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { until } from '../support/until';
import { ADMIN_PASSWORD, problem, TestApi } from './test-api';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

// Another one for each test, so that nobody runs into the limit of logins.
let api: TestApi;
beforeEach(async () => {
  api = await TestApi.create({ database });
});
afterEach(() => api?.close());

const cookies = (headers: Record<string, unknown>) =>
  ([] as string[]).concat((headers['set-cookie'] as string[]) ?? []);

async function loggedIn(key: string) {
  const browser = api.browser();
  const { status, body, headers } = await browser.post('/api/auth/login').send({ key });
  expect(status).toBe(200);
  const { csrfToken } = (await browser.get('/api/auth/csrf-token')).body;
  return { browser, csrfToken, body, cookie: cookies(headers)[0] ?? '' };
}

describe('a session', () => {
  it('is opened with a key, told by an http-only cookie, and can do what the key can', async () => {
    const { key } = await api.keyFor('an agent', 'author');
    const { browser, csrfToken, body, cookie } = await loggedIn(key);
    expect(body).toEqual({ name: 'an agent', roles: ['author'] });
    expect(cookie).toMatch(/^countersign_session=[\w-]{43}; Path=\/; Expires=.*; HttpOnly; SameSite=Lax$/);
    expect((await browser.post('/api/drafts').set('X-CSRF-Token', csrfToken).send(aDraft())).status).toBe(201);
    expect((await browser.get('/api/drafts')).status).toBe(200);
    expect((await browser.get('/api/keys')).status).toBe(403);
  });

  it('ends with its logout', async () => {
    const { key } = await api.keyFor('an agent', 'author');
    const { browser, csrfToken } = await loggedIn(key);
    const other = await loggedIn(key);
    expect((await browser.post('/api/auth/logout')).body).toEqual(problem('csrf-token', 403));
    const { status, headers } = await browser.post('/api/auth/logout').set('X-CSRF-Token', csrfToken);
    expect([status, cookies(headers)[0]]).toEqual([204, expect.stringContaining('countersign_session=;')]);
    expect((await browser.get('/api/drafts')).status).toBe(401);
    expect((await other.browser.get('/api/drafts')).status).toBe(200);
  });

  it('ends with its key, at once, and so does the key', async () => {
    const { id, key } = await api.keyFor('an agent', 'author');
    const { browser } = await loggedIn(key);
    const withKey = () => api.anyone.get('/api/drafts').set('Authorization', `Bearer ${key}`);
    expect([(await browser.get('/api/drafts')).status, (await withKey()).status]).toEqual([200, 200]);
    expect((await api.admin.delete(`/api/keys/${id}`)).status).toBe(204);
    expect([(await browser.get('/api/drafts')).status, (await withKey()).status]).toEqual([401, 401]);
    expect((await browser.post('/api/auth/login').send({ key })).body).toEqual(problem('unauthenticated', 401));
    expect((await api.admin.delete(`/api/keys/${id}`)).status).toBe(404);
  });

  it.each([
    ['is that of the first of two cookies with its name', (cookie: string) => `${cookie}; countersign_session=x`, 200],
    ['is not that of a later cookie with its name', (cookie: string) => `countersign_session=x; ${cookie}`, 401],
    [
      'is found among cookies that are named like the properties of an object',
      (cookie: string) => `__proto__=x; constructor=x; hasOwnProperty=x; ${cookie}; toString=x`,
      200,
    ],
    ['is found behind 15 KiB of other cookies', (cookie: string) => `${'a; '.repeat(5_000)}${cookie}`, 200],
  ])('%s', async (_title, cookiesWith, status) => {
    const { key } = await api.keyFor('an agent', 'author');
    const { headers } = await api.anyone.post('/api/auth/login').send({ key });
    const cookie = cookiesWith(cookies(headers)[0]?.split(';')[0] ?? '');
    expect((await api.anyone.get('/api/drafts').set('Cookie', cookie)).status).toBe(status);
  });

  it('ends by time', async () => {
    const { key } = await api.keyFor('a late agent', 'author');
    const { browser } = await loggedIn(key);
    await api.database.db.session.updateMany({ data: { expiresAt: new Date(Date.now() - 1) } });
    await until('it has ended', async () => (await browser.get('/api/drafts')).status === 401, 2_000);
  });

  it('writes down logins, their refusals, and wrong admin tokens, without the key', async () => {
    const { key } = await api.keyFor('a noted agent', 'author');
    const requestIds = [
      (await api.anyone.post('/api/auth/login').send({ key })).headers['x-request-id'] as string,
      (await api.anyone.post('/api/auth/login').send({ key: `${key}x` })).headers['x-request-id'] as string,
      (await api.anyone.get('/api/keys').set('X-Admin-Token', 'wrong')).headers['x-request-id'] as string,
    ];
    const events = await api.database.db.auditEvent.findMany({
      where: { requestId: { in: requestIds } },
      orderBy: { position: 'asc' },
    });
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ['session.opened', {}],
      ['login.refused', { code: 'wrong_key' }],
      ['admin_token.refused', { code: 'wrong_token' }],
    ]);
  });

  it('has Secure cookies of this host alone where Countersign is reached by https', async () => {
    const secure = await TestApi.create({
      database: api.database,
      settings: { PUBLIC_URL: 'https://countersign.example' },
    });
    const { key } = await secure.keyFor('an agent', 'author');
    const { headers } = await secure.anyone.post('/api/auth/login').send({ key });
    expect(cookies(headers)[0]).toMatch(/^__Host-countersign_session=.*; HttpOnly; Secure; SameSite=Lax$/);
    const csrf = await secure.anyone.get('/api/auth/csrf-token');
    expect(cookies(csrf.headers)[0]).toMatch(/^__Host-countersign_csrf=.*; HttpOnly; Secure; SameSite=Lax$/);
    await secure.close();
  });
});

describe('the CSRF token', () => {
  it('belongs to its cookie and to its session', async () => {
    const { key } = await api.keyFor('an agent', 'author');
    const { browser, csrfToken } = await loggedIn(key);
    const another = (await api.anyone.get('/api/auth/csrf-token')).body.csrfToken;
    const submit = (token: string) => browser.post('/api/drafts').set('X-CSRF-Token', token).send(aDraft());
    for (const wrong of [another, `${csrfToken}x`, 'x', '.', '']) {
      expect((await submit(wrong)).body).toEqual(problem('csrf-token', 403));
    }
    expect((await submit(csrfToken)).status).toBe(201);
    const anonymous = api.browser();
    const early = (await anonymous.get('/api/auth/csrf-token')).body.csrfToken;
    await anonymous.post('/api/auth/login').send({ key });
    expect((await anonymous.post('/api/drafts').set('X-CSRF-Token', early).send(aDraft())).status).toBe(403);
  });

  it.each(['j:{"a":1}', 'j:[1]', 'j:null', '%E0%A4%A', ''])(
    'is given to a browser whose cookies are %s',
    async (value) => {
      const cookie = `countersign_csrf=${value}; countersign_session=${value}`;
      const answer = await api.anyone.get('/api/auth/csrf-token').set('Cookie', cookie);
      expect([answer.status, typeof answer.body.csrfToken]).toEqual([200, 'string']);
      const submit = api.anyone.post('/api/drafts').set('Cookie', cookie).set('X-CSRF-Token', 'x').send(aDraft());
      expect((await submit).body).toEqual(problem('csrf-token', 403));
    },
  );

  it.each([
    ['cross-site', 403],
    ['same-site', 201],
    ['same-origin', 201],
    ['none', 201],
  ])('counts for nothing in what the browser calls cross-site: %s is %i', async (site, status) => {
    const { key } = await api.keyFor('an agent', 'author');
    const { browser, csrfToken } = await loggedIn(key);
    const submit = (token: string) =>
      browser.post('/api/drafts').set('Sec-Fetch-Site', site).set('X-CSRF-Token', token).send(aDraft());
    const { status: answered, body } = await submit(csrfToken);
    expect(answered).toBe(status);
    if (status === 403) expect(body).toEqual(problem('cross-site', 403));
    else expect((await submit('x')).body).toEqual(problem('csrf-token', 403));
    expect((await browser.get('/api/drafts').set('Sec-Fetch-Site', site)).status).toBe(200);
    const withKey = api.anyone.post('/api/drafts').set('Authorization', `Bearer ${key}`).set('Sec-Fetch-Site', site);
    expect((await withKey.send(aDraft())).status).toBe(201);
  });

  it('outlives a rotation of the secret for as long as the old one is kept', async () => {
    const [old, fresh] = [randomBytes(32), randomBytes(32)];
    const withSecrets = (...SECRET_KEY: Buffer<ArrayBuffer>[]) =>
      TestApi.create({ database, settings: { SECRET_KEY } });
    const [before, rotated, gone] = [await withSecrets(old), await withSecrets(fresh, old), await withSecrets(fresh)];
    const { body, headers } = await before.anyone.get('/api/auth/csrf-token');
    const logout = (at: TestApi) =>
      at.anyone
        .post('/api/auth/logout')
        .set('Cookie', cookies(headers)[0]?.split(';')[0] ?? '')
        .set('X-CSRF-Token', body.csrfToken);
    expect([(await logout(before)).status, (await logout(rotated)).status, (await logout(gone)).status]).toEqual([
      204, 204, 403,
    ]);
    for (const one of [before, rotated, gone]) await one.close();
  });

  it('is not needed by who carries a credential in a header, whose cookies then count for nothing', async () => {
    const { key } = await api.keyFor('an agent', 'author');
    const { browser } = await loggedIn(key);
    const forged = await browser.post('/api/drafts').set('Authorization', 'Basic eDp5').send(aDraft());
    expect([forged.status, forged.body]).toEqual([401, problem('unauthenticated', 401)]);
    expect(
      (
        await browser
          .post('/api/keys')
          .set('X-Admin-Token', ADMIN_PASSWORD)
          .send({ name: 'n', roles: ['ops'] })
      ).status,
    ).toBe(201);
  });
});
