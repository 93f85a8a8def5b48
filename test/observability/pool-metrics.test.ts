// What the pool tells: every query and every wait, whichever way it was asked, and the waits that were in vain.
import pg from 'pg';
import { Registry } from 'prom-client';
import { observePool } from '../../ops/runtime/pool-metrics';
import { NO_TELEMETRY } from '../../ops/runtime/telemetry';
import { createDatabase } from '../../prisma/client';
import { createTestDatabase, SMALL_POOL, type TestDatabase } from '../support/database';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function openPool(options: pg.PoolConfig = {}) {
  const registry = new Registry();
  const pool = new pg.Pool({ connectionString: database.url, max: 1, ...options });
  observePool(registry, pool, NO_TELEMETRY);
  closing.push(() => pool.end());
  return { pool, registry };
}
async function seriesValue(registry: Registry, series: string): Promise<number> {
  const line = (await registry.metrics()).split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.split(' ').at(-1));
}
const count = (registry: Registry, metric: string) => seriesValue(registry, `countersign_db_${metric}_count`);

it('measures queries of the pool, of one connection, with a callback, and those that fail', async () => {
  const { pool, registry } = openPool();
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  const client = await pool.connect();
  expect((await client.query({ text: 'SELECT $1::int AS two', values: [2] })).rows).toEqual([{ two: 2 }]);
  const rows = await new Promise((resolve, reject) => {
    void client.query('SELECT 3 AS three', (error, result) => (error ? reject(error) : resolve(result.rows)));
  });
  expect(rows).toEqual([{ three: 3 }]);
  await expect(client.query('SELECT nothing')).rejects.toThrow('does not exist');
  client.release();
  expect(await count(registry, 'query_duration_seconds')).toBe(4);
  expect(await count(registry, 'connection_wait_seconds')).toBe(2);
});

it("measures Prisma's queries and transactions", async () => {
  const registry = new Registry();
  const { db, pool, close } = createDatabase({ DATABASE_URL: database.url, ...SMALL_POOL });
  observePool(registry, pool, NO_TELEMETRY);
  closing.push(close);
  await db.$transaction([db.draft.count(), db.outboxMessage.count()]);
  expect(await count(registry, 'query_duration_seconds')).toBeGreaterThanOrEqual(4);
});

it('puts a query of more than a second above the bucket of one second, which the rules take for slow', async () => {
  const { pool, registry } = openPool();
  await pool.query('SELECT pg_sleep(1.1)');
  await pool.query('SELECT 1');
  expect(await seriesValue(registry, 'countersign_db_query_duration_seconds_bucket{le="1"}')).toBe(1);
  expect(await count(registry, 'query_duration_seconds')).toBe(2);
});

it('counts a wait that was given up, and shows who waits and how large the pool is', async () => {
  const { pool, registry } = openPool({ connectionTimeoutMillis: 2_000 });
  const client = await pool.connect();
  const waiting = pool.query('SELECT 1');
  expect(await seriesValue(registry, 'countersign_db_connections{state="waiting"}')).toBe(1);
  expect(await seriesValue(registry, 'countersign_db_connections{state="busy"}')).toBe(1);
  expect(await seriesValue(registry, 'countersign_db_pool_size')).toBe(1);
  await expect(waiting).rejects.toThrow('timeout exceeded');
  expect(await seriesValue(registry, 'countersign_db_pool_timeouts_total')).toBe(1);
  client.release();
  await pool.query('SELECT 1');
  expect(await seriesValue(registry, 'countersign_db_pool_timeouts_total')).toBe(1);
});
