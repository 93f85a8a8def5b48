import { Redis } from 'ioredis';
import { startRedis } from '../../ops/local/redis';
import { newFolder } from '../support/environment';
import { testServers } from '../support/servers';
import { until } from '../support/until';
import { ADMIN_PASSWORD, problem, TestApi } from './test-api';

const open: TestApi[] = [];
async function create(options: Parameters<typeof TestApi.create>[0] = {}): Promise<TestApi> {
  const database = open[0] && { database: open[0].database };
  const api = await TestApi.create({ ...database, ...options });
  open.push(api);
  // Until it is there, the process counts by itself.
  if (options.redis)
    await until('Redis counts', async () => (await api.anyone.get('/ready')).body.checks.redis === 'ready');
  return api;
}
afterAll(async () => {
  for (const api of open.reverse()) await api.close();
});

const many = async (count: number, ask: () => PromiseLike<{ status: number }>) => {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push((await ask()).status);
  return statuses;
};

describe.each(['shared in Redis', 'kept by the process'])('limits %s', (where) => {
  const redis = () => (where === 'shared in Redis' ? { redis: testServers().redis } : {});

  it('take eleven logins a minute from one client; the twelfth waits', async () => {
    const api = await create(redis());
    const login = () => api.anyone.post('/api/auth/login').send({ key: 'wrong' });
    expect(await many(11, login)).toEqual(Array(11).fill(401));
    const { status, body, headers } = await login();
    expect([status, body]).toEqual([429, problem('too-many-requests', 429)]);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
    expect((await api.anyone.get('/api/auth/csrf-token')).status).toBe(200);
  });

  it('take eleven wrong admin tokens of a client, and then not even the right one', async () => {
    const api = await create(redis());
    expect(await many(20, () => api.admin.get('/api/keys'))).toEqual(Array(20).fill(200));
    const wrong = () => api.anyone.get('/api/keys').set('X-Admin-Token', `${ADMIN_PASSWORD}x`);
    expect(await many(12, wrong)).toEqual([...Array(11).fill(401), 429]);
    const { status, headers } = await api.admin.get('/api/keys');
    expect([status, Number(headers['retry-after']) > 0]).toEqual([429, true]);
    expect((await api.anyone.post('/api/auth/login').send({ key: 'wrong' })).status).toBe(401);
  });

  it('take eleven wrong admin tokens of a client that sends them all at once', async () => {
    const api = await create(redis());
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const answer = await api.anyone.get('/api/keys').set('X-Admin-Token', `guess-${n}`);
        return answer.status;
      }),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(11);
    expect(statuses.filter((status) => status === 429)).toHaveLength(89);
  });

  it('take so many requests of one key, and as many of another', async () => {
    const api = await create({ ...redis(), settings: { KEY_REQUESTS_PER_MINUTE: 3 } });
    const [one, two] = [await api.person('one', 'author'), await api.person('two', 'author')];
    expect(await many(4, () => one.get('/api/drafts'))).toEqual([200, 200, 200, 429]);
    expect(await many(1, () => two.get('/api/drafts'))).toEqual([200]);
  });

  it('take 300 requests of a client without a key, and wrong keys count as none', async () => {
    const api = await create(redis());
    let n = 0;
    const wrong = () => api.anyone.get('/api/drafts').set('Authorization', `Bearer cs_${n++}`);
    const anonymous = () => api.anyone.get('/api/circuit-breakers/status');
    expect(new Set(await many(150, wrong))).toEqual(new Set([401]));
    expect(new Set(await many(150, anonymous))).toEqual(new Set([200]));
    expect([(await wrong()).status, (await anonymous()).status, (await api.anyone.get('/nothing')).status]).toEqual([
      429, 429, 429,
    ]);
    expect(await many(20, () => api.anyone.get('/ready'))).toEqual(Array(20).fill(200));
  });
});

it('processes share their counters through Redis', async () => {
  const first = await create({ redis: testServers().redis });
  const second = await create({ redis: testServers().redis, settings: { SECRET_KEY: first.settings.SECRET_KEY } });
  const login = (api: TestApi) => () => api.anyone.post('/api/auth/login').send({ key: 'wrong' });
  expect(await many(6, login(first))).toEqual(Array(6).fill(401));
  expect(await many(6, login(second))).toEqual([...Array(5).fill(401), 429]);
});

it('a client that has guessed at one process guesses at no other', async () => {
  const first = await create({ redis: testServers().redis });
  const second = await create({ redis: testServers().redis, settings: { SECRET_KEY: first.settings.SECRET_KEY } });
  await many(11, () => first.anyone.get('/api/keys').set('X-Admin-Token', 'a guess'));
  expect((await second.admin.get('/api/keys')).status).toBe(429);
});

it('a client is who the proxy says only where the proxy is trusted', async () => {
  const login = (api: TestApi, client: string) => () =>
    api.anyone.post('/api/auth/login').set('X-Forwarded-For', client).send({ key: 'wrong' });
  const trusting = await create({ settings: { TRUST_PROXY: '1' } });
  await many(11, login(trusting, '192.0.2.1'));
  expect([await many(1, login(trusting, '192.0.2.1')), await many(1, login(trusting, '192.0.2.2'))]).toEqual([
    [429],
    [401],
  ]);
  const wary = await create();
  await many(11, login(wary, '192.0.2.1'));
  expect(await many(1, login(wary, '192.0.2.2'))).toEqual([429]);
});

it('goes on without Redis, without waiting for it, and uses it again when it is back', async () => {
  const folder = newFolder('redis');
  let server = await startRedis({ folder });
  const port = Number(new URL(server.url).port);
  const api = await create({ redis: server.url });
  const author = await api.person('an agent', 'author');
  expect((await author.get('/api/drafts')).status).toBe(200);

  process.kill(server.pid, 'SIGSTOP');
  const frozen = Date.now();
  expect(await many(10, () => author.get('/api/drafts'))).toEqual(Array(10).fill(200));
  expect(Date.now() - frozen).toBeLessThan(1_000);
  process.kill(server.pid, 'SIGCONT');

  await server.stop();
  const away = Date.now();
  expect(await many(10, () => author.get('/api/drafts'))).toEqual(Array(10).fill(200));
  expect(Date.now() - away).toBeLessThan(1_000);
  const { body, status } = await until('Redis is told as away', async () => {
    const answer = await api.anyone.get('/ready');
    return answer.body.checks.redis === 'ready' ? null : answer;
  });
  expect([status, body.checks.redis]).toEqual([200, expect.stringMatching(/^degraded: /)]);

  server = await startRedis({ folder, port });
  await until('Redis counts again', async () => {
    await author.get('/api/drafts');
    const { body } = await api.anyone.get('/ready');
    return body.checks.redis === 'ready';
  });
  await server.stop();
});

it('keeps no client address in Redis', async () => {
  const api = await create({ redis: testServers().redis });
  await api.anyone.get('/api/drafts');
  const redis = new Redis(testServers().redis);
  const keys = await redis.keys('countersign:limit:client:*');
  await redis.quit();
  expect(keys.length).toBeGreaterThan(0);
  expect(keys.join()).not.toContain('127.0.0.1');
});
