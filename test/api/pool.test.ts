import { createDatabase } from '../../prisma/client';
import { aDraft } from '../support/commands';
import { createTestDatabase, SMALL_POOL, type TestDatabase } from '../support/database';
import { until } from '../support/until';
import { problem, TestApi } from './test-api';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

it('who waits longest for a connection is told so with 503, and all goes on when there is one again', async () => {
  const settings = {
    ...SMALL_POOL,
    DB_POOL_SIZE: 1,
    DB_POOL_OVERFLOW: 1,
    DB_POOL_TIMEOUT_SECONDS: 1,
    DATABASE_URL: database.url,
  };
  const { db, pool, close } = createDatabase(settings);
  const api = await TestApi.create({ database: { db, pool, url: database.url, drop: close } });
  const author = await api.person('an agent', 'author');
  const held = [await pool.connect(), await pool.connect()];
  const [submitted, keyMade, queued] = await Promise.all([
    author.post('/api/drafts').send(aDraft()),
    api.admin.post('/api/keys').send({ name: 'x', roles: ['ops'] }),
    author.post('/api/drafts').send(aDraft({ subject: 'Another one' })),
  ]);
  for (const { status, body, headers } of [submitted, keyMade, queued]) {
    expect([status, body, headers['retry-after']]).toEqual([503, problem('database-busy', 503), '1']);
  }
  const waiting = author
    .post('/api/drafts')
    .send(aDraft())
    .then(({ status }) => status);
  await until('a request waits', () => pool.waitingCount > 0, 900);
  for (const client of held) client.release();
  expect(await waiting).toBe(201);
  await api.close();
  await close();
});

it('a connection that is older than it may be is replaced by a new one, and no request notices', async () => {
  const opened = [1, 3600].map((DB_POOL_RECYCLE_SECONDS) =>
    createDatabase({
      ...SMALL_POOL,
      DB_POOL_OVERFLOW: 0,
      DB_POOL_RECYCLE_SECONDS,
      DATABASE_URL: database.url,
    }),
  );
  const backends = () =>
    Promise.all(
      opened.map(async ({ db }) => {
        const [row] = await db.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
        return row?.pid;
      }),
    );
  const [recycled, kept] = await backends();
  const now = await until(
    'the connection is another one',
    async () => {
      const found = await backends();
      return found[0] !== recycled && found;
    },
    10_000,
  );
  expect(now[1]).toBe(kept);
  for (const { close } of opened) await close();
});
