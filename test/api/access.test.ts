// Generated from the OpenAPI document, so that a new route can't be forgotten here.
import type TestAgent from 'supertest/lib/agent';
import { ROLES, type Role } from '../../activities/commands/context';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { startIdleWorker } from '../support/idle-worker';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { problem, TestApi } from './test-api';

interface Operation {
  description: string;
  security: object[];
}
interface Route {
  method: 'get' | 'post' | 'put' | 'delete';
  path: string;
  roles: Role[];
  isPublic: boolean;
}

let temporal: TestNamespace;
let endWorker: () => Promise<void>;
let api: TestApi;
let routes: Route[];
const people = {} as Record<Role, TestAgent>;
beforeAll(async () => {
  temporal = await createTestNamespace();
  // Somebody who could back up or roll back, so that nothing is refused for want of them.
  const ends = await Promise.all(
    [TASK_QUEUES.ops, TASK_QUEUES.releases].map((queue) => startIdleWorker(temporal, queue)),
  );
  endWorker = async () => {
    await Promise.all(ends.map((end) => end()));
  };
  const { address, namespace } = temporal;
  api = await TestApi.create({ temporal: { address, namespace } });
  for (const role of ROLES) people[role] = await api.person(`only ${role}`, role);
  // A new namespace knows its search attributes a moment later.
  const startDrill = async () => (await people.admin.post('/api/ops/drills')).status === 202;
  await until('processes can be started', startDrill);
  const { body } = await api.anyone.get('/openapi.json');
  routes = Object.entries(body.paths as Record<string, Record<string, Operation>>).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { description, security }]) => ({
      method: method as Route['method'],
      path: path.replaceAll(/\{(\w+)\}/g, (_all, name) =>
        name === 'service' ? 'nothing' : '01a20d18-0000-7000-8000-000000000000',
      ),
      roles: ROLES.filter((role) => new RegExp(`Needs the role .*\\b${role}\\b`).test(description)),
      isPublic: security.length === 0,
    })),
  );
});
afterAll(async () => {
  await endWorker?.();
  await api?.close();
  await temporal?.close();
});

/** Their credential is in the body or in the path. */
const EXEMPT = /^\/(api\/auth\/login$|unsubscribe\/)/;

/** @returns the status of each; of a fault of ours, which problem */
const table = (ask: (route: Route) => PromiseLike<{ status: number; body: { type?: string } }>, which: Route[]) =>
  Promise.all(
    which.map(async (route) => {
      const { status, body } = await ask(route);
      return [`${route.method} ${route.path}`, status >= 500 ? body.type : status];
    }),
  );
const all = (which: Route[], status: number) => which.map((route) => [`${route.method} ${route.path}`, status]);

it('every route that changes something is refused without a CSRF token, before anything else', async () => {
  const changing = routes.filter(({ method, path }) => method !== 'get' && !EXEMPT.test(path));
  expect(changing.length).toBeGreaterThan(15);
  expect(await table(({ method, path }) => api.anyone[method](path), changing)).toEqual(all(changing, 403));
  const { body } = await api.anyone.post('/api/drafts').type('text/plain').send('x');
  expect(body).toEqual(problem('csrf-token', 403));
  for (const path of ['/nothing', '/health'])
    expect((await api.anyone.post(path)).body).toEqual(problem('csrf-token', 403));
});

it('every route that is not for anyone needs credentials', async () => {
  const guarded = routes.filter(({ isPublic }) => !isPublic);
  const browser = api.browser();
  const { csrfToken } = (await browser.get('/api/auth/csrf-token')).body;
  const ask = ({ method, path }: Route) => browser[method](path).set('X-CSRF-Token', csrfToken);
  expect(await table(ask, guarded)).toEqual(all(guarded, 401));
});

it.each(ROLES)('%s alone gets no further than their routes; roles do not imply each other', async (role) => {
  const guarded = routes.filter(({ isPublic }) => !isPublic);
  const forbidden = guarded.filter(({ roles }) => !roles.includes(role));
  expect(forbidden.length).toBeGreaterThan(0);
  expect(await table(({ method, path }) => people[role][method](path), forbidden)).toEqual(all(forbidden, 403));
  const allowed = guarded.filter(({ roles }) => roles.includes(role));
  const answers = await table(({ method, path }) => people[role][method](path), allowed);
  expect(answers.filter(([, said]) => said === 401 || said === 403 || typeof said !== 'number')).toEqual([]);
});

it('the bootstrap admin is an admin and nothing else', async () => {
  expect((await api.admin.get('/api/keys')).status).toBe(200);
  expect((await api.admin.get('/api/drafts')).body).toEqual(problem('missing-role', 403));
});

it("the admin's password may hold more than ASCII, as whatever bytes a client sends it", async () => {
  const password = 'Schlüssel für alle Türen';
  const own = await TestApi.create({ database: api.database, settings: { ADMIN_PASSWORD: password } });
  const latin1 = password;
  const utf8 = Buffer.from(password).toString('latin1');
  for (const token of [latin1, utf8]) {
    expect((await own.anyone.get('/api/keys').set('X-Admin-Token', token)).status).toBe(200);
  }
  expect((await own.anyone.get('/api/keys').set('X-Admin-Token', 'Schl')).status).toBe(401);
  await own.close();
});

it('routes for anyone ask nobody who they are', async () => {
  const open = routes.filter(({ isPublic, method }) => isPublic && method === 'get');
  const answers = await table(({ path }) => api.anyone.get(path), open);
  expect(answers.filter(([, status]) => status !== 200)).toEqual([
    ['get /unsubscribe/01a20d18-0000-7000-8000-000000000000', 404],
    ['get /problems/01a20d18-0000-7000-8000-000000000000', 404],
    ['get /', 302],
  ]);
});

it('writes down each refusal for want of a role: who, and which route', async () => {
  const asker = await api.person('somebody who is refused once', 'author');
  const { headers } = await asker.post('/api/keys').send({ name: 'x', roles: ['admin'] });
  const events = await api.database.db.auditEvent.findMany({ where: { requestId: headers['x-request-id'] as string } });
  expect(events).toMatchObject([
    { type: 'access.refused', subject: 'access', data: { code: 'missing_role', route: 'POST /api/keys' } },
  ]);
});
