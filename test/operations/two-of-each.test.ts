// Two processes of the API and two workers, as behind a load balancer: what one knows, the other knows too, and what one
// leaves undone when it is killed, the other one does.
import { randomBytes } from 'node:crypto';
import supertest from 'supertest';
import { MOST_CONNECTIONS } from '../../activities/mail-delivery';
import { freePort } from '../../ops/local/ports';
import { SteadyLoad } from '../recovery/steady-load';
import { ApiClient } from '../support/api-client';
import { aDraft } from '../support/commands';
import { ADMIN_PASSWORD } from '../support/environment';
import { holdLock } from '../support/lock-holder';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import type { ServiceProcess } from '../support/processes';
import { TestService } from '../support/service';
import { until } from '../support/until';

/** Of one client, the APIs in turn: each takes eleven, so by itself it would take its half. */
const LOGINS = 20;
const AT_ONCE = 20;
const BEFORE_THE_KILL = 60;
const AFTER_THE_KILL = 60;

let service: TestService;
let workers: ServiceProcess[];
let apis: { process: ServiceProcess; port: string; url: string }[];
let turn = 0;
/** As a load balancer: the APIs in turn. */
const next = () => apis[turn++ % apis.length] as (typeof apis)[number];
type Client = ReturnType<typeof supertest>;
const cookieOf = (headers: Record<string, unknown>) => String(headers['set-cookie']).split(';')[0] as string;
const asAdmin = (method: 'get' | 'post', path: string) =>
  supertest(next().url)[method](path).set('X-Admin-Token', ADMIN_PASSWORD);

beforeAll(async () => {
  // With a key of its own its counters in Redis meet nobody else's.
  const SECRET_KEY = randomBytes(32).toString('base64');
  service = await TestService.create({ environment: { SECRET_KEY, TRUST_PROXY: '1' } });
  // On a busy machine the mail server of the test is slow.
  workers = [1, 2].map(() => service.startWorker({ WORKER_METRICS_PORT: '0', SMTP_URL: service.mail.url }));
  apis = await Promise.all([startApi(), startApi()]);
});
afterAll(() => service?.close());

async function startApi() {
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  const process = service.start('api', 'api/main.js', { PORT: port, METRICS_PORT: '0' });
  await until('the API is ready', () => new ApiClient(url, {}).ready());
  return { process, port, url };
}

async function keyFor(name: string, role: string): Promise<string> {
  const { status, body } = await asAdmin('post', '/api/keys').send({ name, roles: [role] });
  expect(status).toBe(201);
  return body.key;
}

it('two APIs count one limit', async () => {
  let client = 0;
  const refusals = async () => {
    client += 1;
    const statuses: number[] = [];
    for (let n = 0; n < LOGINS; n++) {
      const login = supertest(next().url).post('/api/auth/login').set('X-Forwarded-For', `192.0.2.${client}`);
      statuses.push((await login.send({ key: 'wrong' })).status);
    }
    return statuses.filter((status) => status === 429).length;
  };
  // On a busy machine Redis may not answer within a quarter of a second; an API then counts by itself for a while.
  await until('a login is refused that each API alone would take', async () => (await refusals()) > 0);
});

it('a session of one API is valid at the other; ended there, it ends here within a second', async () => {
  const [here, there] = apis.map(({ url }) => supertest(url)) as [Client, Client];
  const login = await here.post('/api/auth/login').send({ key: await keyFor('a browser', 'author') });
  const session = cookieOf(login.headers);
  const statusOf = async (api: Client) => (await api.get('/api/drafts').set('Cookie', session)).status;
  expect([login.status, await statusOf(here), await statusOf(there)]).toEqual([200, 200, 200]);

  const { headers, body } = await there.get('/api/auth/csrf-token').set('Cookie', session);
  const logout = await there
    .post('/api/auth/logout')
    .set('Cookie', `${session}; ${cookieOf(headers)}`)
    .set('X-CSRF-Token', body.csrfToken);
  expect([logout.status, await statusOf(there)]).toEqual([204, 401]);
  await until('it has ended here', async () => (await statusOf(here)) === 401, 2_000);
});

it('one Idempotency-Key that is used at both APIs at once makes one draft', async () => {
  const key = await keyFor('an agent that repeats itself', 'author');
  const answers = await Promise.all(
    Array.from({ length: AT_ONCE }, () =>
      supertest(next().url)
        .post('/api/drafts')
        .set({ authorization: `Bearer ${key}`, 'idempotency-key': 'order 1' })
        .send(aDraft({ to: 'once@example.org', confidence: 1 })),
    ),
  );
  expect(answers.filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect(await service.database.db.draft.count({ where: { to: 'once@example.org' } })).toBe(1);
});

it('two workers have one operations lock, which either API shows', async () => {
  const { workflowId, release } = await holdLock(service.temporal);
  const { status, body: cleanup } = await asAdmin('post', '/api/gdpr/cleanup-old-drafts').send({});
  expect([status, cleanup]).toEqual([202, expect.objectContaining({ status: 'running' })]);
  for (const _ of apis) {
    expect((await asAdmin('get', '/api/ops/operations')).body.holder).toMatchObject({ process: 'backup', workflowId });
    expect((await asAdmin('get', `/api/gdpr/cleanups/${cleanup.id}`)).body.status).toBe('running');
  }
  await release();
  await until('the cleanup ends', async () => {
    const { body } = await asAdmin('get', `/api/gdpr/cleanups/${cleanup.id}`);
    return body.status === 'done';
  });
});

it('one API and one worker of two are killed under load: nothing is lost, and each mail leaves once', async () => {
  const load = new SteadyLoad(() => next().port);
  await load.begin();
  await load.reaches(BEFORE_THE_KILL);
  const people = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, n) => service.submitForReview(`person-${n}@example.org`)),
  );
  const holder = await until('a worker has the lane', async () => {
    const { raw } = await service.lane.describe();
    const identity = raw.pendingActivities?.[0]?.lastWorkerIdentity;
    return workers.find(({ pid }) => identity?.startsWith(`${pid}@`));
  });
  const [killed] = apis.splice(0, 1);
  await Promise.all([...people.map((draft) => service.approve(draft)), holder.kill(), killed?.process.kill()]);
  await load.reaches(AFTER_THE_KILL);
  const submitted = await load.end();

  const { db } = service.database;
  const parked = await everyDraftEnds(service);
  const ids = (await db.draft.findMany({ where: { to: { startsWith: 'reader-' } }, select: { id: true } })).map(
    ({ id }) => id,
  );
  expect(new Set(ids)).toEqual(load.acknowledged);
  expect(ids).toHaveLength(submitted);
  await expectEachMailOnce(service);
  // Nobody is left to say how the conversations that were open have ended.
  expect(parked.length).toBeLessThanOrEqual(MOST_CONNECTIONS);
});
