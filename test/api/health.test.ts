import { pathToFileURL } from 'node:url';
import { uuidv7 } from 'uuidv7';
import { writeReport } from '../../activities/drill-reports';
import { openObjectStore } from '../../ops/runtime/object-store';
import { createSigner } from '../../ops/runtime/signing';
import { noteHubspot } from '../../worker/lanes';
import { onServer, openTestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { testServers } from '../support/servers';
import { until } from '../support/until';
import { TestApi } from './test-api';

const open: TestApi[] = [];
async function create(options: Parameters<typeof TestApi.create>[0] = {}) {
  const database = open[0] && { database: open[0].database };
  const api = await TestApi.create({ ...database, ...options });
  open.push(api);
  return api;
}
beforeAll(() => create({ redis: testServers().redis, temporal: { address: testServers().temporal } }));
afterAll(async () => {
  for (const api of open.reverse()) await api.close();
});

const whole = () => open[0] as TestApi;

const A_DRILL = {
  id: uuidv7(),
  startedAt: '2026-01-25T04:00:00.000Z',
  finishedAt: '2026-01-25T04:01:00.000Z',
  plan: null,
  recoverySeconds: 60,
  pointSeconds: 12,
  rows: {},
  auditEvents: 0,
  problem: null,
};

it('liveness and health say so and look at nothing', async () => {
  const alone = await create({ checkedDatabase: 'postgresql://postgres@127.0.0.1:9/nothing' });
  expect((await alone.anyone.get('/healthz')).body).toEqual({ status: 'alive' });
  const { status, body } = await alone.anyone.get('/health');
  expect([status, body]).toEqual([
    200,
    {
      status: 'ok',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      version: '0.1.0',
      lastProvenRestore: null,
      mailHeld: null,
      warnings: null,
    },
  ]);
});

it('is ready, and names the code, while a breaker is open or mail is paused', async () => {
  const { db } = whole().database;
  const failing = { failures: 3, since: new Date('2026-01-01T10:00:00.000Z') };
  await db.lane.update({ where: { name: 'email' }, data: { ...failing, lastError: 'ECONNREFUSED' } });
  await db.lane.update({ where: { name: 'hubspot' }, data: { ...failing, lastError: 'hubspot_away' } });
  const step = { workflowId: 'erasure-1', step: 'scanStores', process: 'userErasure', isLocal: false, attempts: 1 };
  await db.failingStep.create({ data: { ...step, service: 'backup_store', code: 'ENOSPC' } });
  const look = async (options: Parameters<typeof create>[0] = {}) => {
    const api = await create(options);
    // A process that has only begun may be too busy to hear an answer in time.
    return until('the database answers in time', async () => {
      const [ready, health] = [await api.anyone.get('/ready'), await api.anyone.get('/health')];
      const { checks } = ready.body;
      return ready.status === 200 && health.body.warnings !== null && { checks, warnings: health.body.warnings };
    });
  };
  const without = await look();
  expect(without.checks).toMatchObject({ mail: 'degraded: ECONNREFUSED', backup_store: 'degraded: ENOSPC' });
  expect(without.warnings).toEqual([
    { service: 'email', code: 'ECONNREFUSED', since: failing.since.toISOString() },
    { service: 'backup_store', code: 'ENOSPC', since: expect.any(String) },
  ]);
  await noteHubspot(db, true);
  const { checks } = await look();
  expect(checks.hubspot).toBe('degraded: hubspot_away');

  await db.lane.update({ where: { name: 'email' }, data: { pausedAt: new Date() } });
  expect((await look()).checks.mail).toBe('degraded: paused by an operator');
  await noteHubspot(db, false);
  await db.lane.updateMany({ data: { failures: 0, pausedAt: null } });
  await db.failingStep.deleteMany();
  expect(await look()).toMatchObject({ checks: { mail: 'ready' }, warnings: [] });
});

it('health tells when a restore was last proven', async () => {
  const folder = pathToFileURL(newFolder('drills')).href;
  const settings = { SECRET_KEY: [Buffer.alloc(32, 9)] };
  const report = { ...A_DRILL, outcome: 'PROVEN' as const };
  await writeReport(openObjectStore(folder), createSigner(settings.SECRET_KEY, 'backups'), report);
  const api = await create({ backups: folder, settings });
  await until('it has been read', async () => {
    const { body } = await api.anyone.get('/health');
    return body.lastProvenRestore === report.finishedAt || null;
  });
});

it('is ready where everything answers', async () => {
  const parts = ['database', 'migrations', 'erasureLedger', 'mail', 'redis', 'temporal'];
  const checks = Object.fromEntries(parts.map((part) => [part, 'ready']));
  // A process that has only begun may be too busy to hear an answer in time.
  const { status, body } = await until('Redis and Temporal answer in time', async () => {
    const answer = await whole().anyone.get('/ready');
    return JSON.stringify(answer.body).includes('timed out') ? null : answer;
  });
  expect([status, body]).toEqual([200, { status: 'ready', checks }]);
});

it('is ready, and says what is degraded, without Temporal and Redis', async () => {
  const { anyone } = await create();
  // A process that is too busy to hear the refusal in time says less at first.
  const { status, body } = await until('why Temporal does not answer is known', async () => {
    const answer = await anyone.get('/ready');
    return answer.body.checks.temporal === 'degraded: connection refused' ? answer : null;
  });
  expect([status, body.status]).toEqual([200, 'ready']);
  expect(body.checks).toMatchObject({ redis: 'degraded: not configured' });
});

it('is ready, and says so, while mail is held after a restore', async () => {
  const { db } = whole().database;
  const restoreId = '01a2132e-2aef-7071-b295-0d4ccfb78469';
  await db.instance.update({ where: { id: 1 }, data: { restoreId } });
  await db.lane.updateMany({ data: { held: true } });
  const { status, body } = await (await create()).anyone.get('/ready');
  expect([status, body.checks.mail]).toEqual([
    200,
    `degraded: held since restore ${restoreId}; see ops/restore.sh --lost`,
  ]);
  await db.lane.updateMany({ data: { held: false } });
});

it('is not ready without its database, and has not started until it was ready once', async () => {
  const api = await create({ checkedDatabase: 'postgresql://postgres@127.0.0.1:9/nothing' });
  const { status, body } = await api.anyone.get('/ready');
  expect([status, body.status, body.checks.database]).toEqual([503, 'not_ready', 'not_ready: connection refused']);
  const startup = await api.anyone.get('/startup');
  expect([startup.status, startup.body.status]).toEqual([503, 'starting']);
  expect((await whole().anyone.get('/startup')).body).toEqual({ status: 'started' });
});

it('is not ready while a migration is to be applied', async () => {
  const { postgres } = testServers();
  await onServer(postgres, 'CREATE DATABASE never_migrated');
  const empty = await create({ checkedDatabase: new URL('/never_migrated', postgres).href });
  expect((await empty.anyone.get('/ready')).body.checks).toMatchObject({
    database: 'ready',
    migrations: 'not_ready: never migrated',
  });

  const { db } = whole().database;
  await db.$executeRaw`
    UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = (SELECT max(migration_name) FROM _prisma_migrations)`;
  const { status, body } = await (await create()).anyone.get('/ready');
  expect([status, body.checks.migrations]).toEqual([503, 'not_ready: 1 to apply']);
  await db.$executeRaw`UPDATE _prisma_migrations SET finished_at = now() WHERE finished_at IS NULL`;
});

it('is ready while all connections of the pool are busy', async () => {
  const small = openTestDatabase(whole().database.url);
  const held = await Promise.all(Array.from({ length: small.pool.options.max }, () => small.pool.connect()));
  const api = await create({ database: small });
  expect((await api.anyone.get('/ready')).status).toBe(200);
  for (const client of held) client.release();
  await small.drop();
});

it('sees a database that comes back', async () => {
  const { postgres } = testServers();
  await onServer(postgres, `CREATE DATABASE comes_back`);
  await onServer(postgres, `ALTER DATABASE comes_back ALLOW_CONNECTIONS false`);
  const { template } = testServers();
  const api = await create({ checkedDatabase: new URL('/comes_back', postgres).href });
  expect((await api.anyone.get('/ready')).status).toBe(503);
  await onServer(postgres, `DROP DATABASE comes_back`);
  await onServer(postgres, `CREATE DATABASE comes_back TEMPLATE ${template}`);
  await until('it is ready', async () => (await api.anyone.get('/ready')).status === 200);
});

it('is not ready from the moment that it shuts down, and lets every connection go', async () => {
  const api = await create();
  expect((await api.anyone.get('/ready')).status).toBe(200);
  api.lifecycle.draining = true;
  const { status, body, headers } = await api.anyone.get('/ready');
  expect([status, body.checks.process, headers.connection]).toEqual([503, 'not_ready: shutting down', 'close']);
});
