// The status is what runs: break one of its parts and it says so.

import { ERASURE_GAUGES } from '../../activities/user-erasure/deadline-metrics';
import { observeDatabase } from '../../ops/runtime/database-gauges';
import { createRegistry } from '../../ops/runtime/metrics';
import { DRAFT_RETENTION_SCHEDULE } from '../../workflows/contracts/draft-retention';
import { NOBODY, TestApi } from '../api/test-api';
import { tamperWith } from '../audit-trail/sealed-trail';
import { TestService } from '../support/service';
import { openSlowWay } from '../support/slow-way';
import { until } from '../support/until';

let service: TestService;
let api: TestApi;

beforeAll(async () => {
  service = await TestService.create();
  api = await apiOn(service.temporal);
  service.runWorker();
  await until('all of it runs', async () => (await status()).status === 'operational');
});
afterAll(async () => {
  await api?.close();
  await service?.close();
});

const apiOn = (temporal: { address: string; namespace?: string }) =>
  TestApi.create({
    database: service.database,
    backups: service.environment.BACKUP_URL as string,
    temporal,
    settings: { SECRET_KEY: [Buffer.alloc(32, 7)] },
  });
const status = async () => (await api.admin.get('/api/gdpr/status')).body;
const features = async () => (await status()).features;
const sql = (statement: string) => service.database.pool.query(statement);
const ALL = { user_deletion: true, draft_cleanup: true, anonymization: true, audit_logging: true };

it('is exactly what is promised while all of it runs', async () => {
  expect(await status()).toEqual({
    status: 'operational',
    features: ALL,
    compliance: { gdpr: 'Compliant', audit_trail_years: 1, draft_retention_days: 90 },
  });
});

it('misses the cleanup while its schedule is paused', async () => {
  const schedule = service.temporal.client.schedule.getHandle(DRAFT_RETENTION_SCHEDULE);
  await schedule.pause();
  expect(await status()).toMatchObject({
    status: 'degraded',
    features: { ...ALL, draft_cleanup: false },
    compliance: { gdpr: 'Not compliant' },
  });
  await schedule.unpause();
  expect(await features()).toEqual(ALL);
});

it('misses the audit trail while a trigger is disabled, and once an event has been edited', async () => {
  await sql('ALTER TABLE audit_events DISABLE TRIGGER audit_events_append_only');
  expect(await features()).toEqual({ ...ALL, audit_logging: false });
  const { rows } = await sql(`SELECT id, type FROM audit_events ORDER BY position LIMIT 1`);
  const write = (type: string) =>
    tamperWith(service.database, `UPDATE audit_events SET type = '${type}' WHERE id = '${rows[0].id}'`);
  await write('edited');
  expect(await features()).toEqual({ ...ALL, audit_logging: false });
  await write(rows[0].type);
  expect(await features()).toEqual(ALL);
});

it('misses the anonymisation where an erased draft still says something', async () => {
  const { id } = await service.submitForReview('ada@customer.example');
  await sql(`UPDATE drafts SET status = 'erased' WHERE id = '${id}'`);
  expect(await features()).toEqual({ ...ALL, anonymization: false });
  await sql(`UPDATE drafts SET status = 'rejected' WHERE id = '${id}'`);
  expect(await features()).toEqual(ALL);
});

it('misses the deletion while one is late, and the metric tells before', async () => {
  const registry = createRegistry('test');
  observeDatabase(registry, (sql) => service.database.db.$queryRawUnsafe(sql), ERASURE_GAUGES);
  const metric = async (name: string) => new RegExp(`^${name}[^#]*? (\\S+)$`, 'm').exec(await registry.metrics())?.[1];
  expect(await metric('countersign_erasure_deadline_seconds')).toBe('Nan');
  const { body } = await api.admin.post('/api/gdpr/erasures').send({ email: 'late@customer.example' });
  expect(Number(await metric('countersign_erasure_deadline_seconds'))).toBeGreaterThan(27 * 86_400);
  await sql(`UPDATE erasures SET deadline_at = now() - interval '1 second' WHERE id = '${body.requestId}'`);
  expect(Number(await metric('countersign_erasure_deadline_seconds'))).toBeLessThan(0);
  expect(await features()).toEqual({ ...ALL, user_deletion: false });
  await api.admin.post(`/api/gdpr/erasures/${body.requestId}/cancel`).send({});
  expect(await features()).toEqual(ALL);
});

const UNAVAILABLE = '"code":14';

it('misses what Temporal carries out while Temporal is away, and the log says why', async () => {
  const alone = await apiOn({ address: NOBODY });
  const { body } = await alone.admin.get('/api/gdpr/status');
  await alone.close();
  expect(body.features).toEqual({ ...ALL, user_deletion: false, draft_cleanup: false });
  const reasons = alone.log.map((line) => JSON.parse(line)).filter(({ feature }) => feature);
  expect(reasons.map(({ feature }) => feature).sort()).toEqual(['draft_cleanup', 'user_deletion']);
  for (const { err } of reasons) expect(JSON.stringify(err)).toContain(UNAVAILABLE);
});

it('misses nothing where Temporal takes seconds to answer', async () => {
  const way = await openSlowWay(service.temporal.address, 1_500);
  const far = await apiOn({ ...service.temporal, address: way.address });
  const { body } = await far.admin.get('/api/gdpr/status');
  await far.close();
  await way.close();
  expect(body.features).toEqual(ALL);
});
