// A real worker process: it seals, anchors, and prunes by its schedule.
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { uuidv7 } from 'uuidv7';
import { createSigner } from '../../activities/audit-trail/signatures';
import { type Verification, verifyTrail } from '../../activities/audit-trail/verify';
import { recordEvent } from '../../activities/commands/audit';
import { SYSTEM } from '../../activities/commands/context';
import { openObjectStore } from '../../ops/runtime/object-store';
import { ensureSchedules } from '../../worker/schedules';
import { AUDIT_RETENTION_SCHEDULE, progress } from '../../workflows/contracts/audit-retention';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { SECRET_KEY, tamperWith } from './sealed-trail';

let service: TestService;
beforeAll(async () => {
  const database = await createTestDatabase();
  await event(database, 'old', '365 days 1 second');
  await event(database, 'young', '364 days 23 hours');
  service = await TestService.create({ database });
});
afterAll(() => service?.close());

const verify = (): Promise<Verification> =>
  verifyTrail({
    db: service.database.db,
    store: openObjectStore(service.environment.BACKUP_URL as string),
    verifier: createSigner(SECRET_KEY),
  });
const event = ({ pool }: TestDatabase, type: string, age: string) =>
  pool.query(
    `INSERT INTO audit_events (id, type, at, subject) VALUES (gen_random_uuid(), $1, clock_timestamp() - $2::interval, 'draft')`,
    [type, age],
  );

it('seals and anchors what is committed, and prunes what is a year old when its schedule says so', async () => {
  service.runWorker();
  await until('all is sealed and anchored', async () => {
    const { ok, checked, anchors, unsealed } = await verify();
    return ok && checked > 2 && anchors > 0 && unsealed.events === 0;
  });
  const schedule = service.temporal.client.schedule.getHandle(AUDIT_RETENTION_SCHEDULE);
  const { action, spec } = await until('it is scheduled', () => schedule.describe().catch(() => null));
  expect([action.type, spec.calendars?.[0]]).toMatchObject([
    'startWorkflow',
    { hour: [{ start: 3 }], minute: [{ start: 10 }] },
  ]);
  await schedule.trigger();
  const handle = await until('it has run', async () => {
    const [last] = (await schedule.describe()).info.recentActions;
    return last && service.temporal.client.workflow.getHandle(last.action.workflow.workflowId);
  });
  expect(await handle.result()).toMatchObject({ status: 'done', pruned: 1 });
  expect(await handle.query(progress)).toMatchObject({ status: 'done', pruned: 1 });
  const types = (await service.database.db.auditEvent.findMany()).map(({ type }) => type);
  expect(types).not.toContain('old');
  expect(types).toEqual(expect.arrayContaining(['young', 'audit.pruned']));
  await until('the rest verifies', async () => {
    const { ok, unsealed } = await verify();
    return ok && unsealed.events === 0;
  });
});

it('waits with the retention for a worker that has the key, and calls nothing broken meanwhile', async () => {
  await service.endWorkers();
  const newKey = Buffer.alloc(32, 8);
  service.runWorker({ SECRET_KEY: [newKey, ...SECRET_KEY].map((key) => key.toString('base64')).join(',') });
  // Its predecessor has anchored all that there was.
  const { db } = service.database;
  const context = { actor: SYSTEM, requestId: uuidv7() };
  await recordEvent(db, context, { type: 'newest', subject: 'draft', subjectId: uuidv7() });
  await db.auditProgress.updateMany({ data: { anchoredAt: new Date(0) } });
  await until('the new key has signed', async () => (await verify()).reason === 'key_unknown');
  await service.endWorkers();
  service.runWorker();
  const handle = await service.temporal.client.workflow.start('auditRetention', {
    workflowId: 'retention-without-the-key',
    taskQueue: 'processes',
    args: [{}],
  });
  await until('it waits for a worker with the key', async () => {
    const { raw } = await handle.describe();
    const [pending] = raw.pendingActivities ?? [];
    return pending?.lastFailure?.applicationFailureInfo?.type === 'AuditUnverified';
  });
  await service.endWorkers();
  service.runWorker({ SECRET_KEY: [...SECRET_KEY, newKey].map((key) => key.toString('base64')).join(',') });
  expect(await handle.result()).toMatchObject({ status: 'done' });
});

it('prunes nothing of a trail that is broken', async () => {
  await tamperWith(service.database, `UPDATE audit_events SET at = at - interval '1 day' WHERE type = 'young'`);
  const handle = await service.temporal.client.workflow.start('auditRetention', {
    workflowId: 'retention-of-a-broken-trail',
    taskQueue: 'processes',
    args: [{}],
  });
  await expect(handle.result()).rejects.toMatchObject({ cause: { cause: { message: 'hash_differs' } } });
  expect(await service.database.db.auditEvent.count({ where: { type: 'young' } })).toBe(1);
});

it('seals while Temporal and the store of the anchors are away', async () => {
  await service.endWorkers();
  const loop = join(newFolder('loop'), 'loop');
  symlinkSync(loop, loop);
  service.runWorker({ TEMPORAL_ADDRESS: '127.0.0.1:9', BACKUP_URL: pathToFileURL(loop).href });
  const before = await service.database.db.auditSeal.count();
  await event(service.database, 'lonely', '0 seconds');
  await until('it is sealed', async () => (await service.database.db.auditSeal.count()) > before);
});

it('has the schedule of this release, however often it is made, and leaves it paused where somebody paused it', async () => {
  const schedule = service.temporal.client.schedule.getHandle(AUDIT_RETENTION_SCHEDULE);
  await schedule.pause('by a test');
  await schedule.update(({ spec, ...others }) => ({ ...others, spec: { calendars: [{ hour: 5 }] } }));
  await Promise.all([ensureSchedules(service.temporal.client), ensureSchedules(service.temporal.client)]);
  const { spec, policies, state } = await schedule.describe();
  expect([spec.calendars, policies.overlap, state.paused]).toMatchObject([
    [{ hour: [{ start: 3 }], minute: [{ start: 10 }] }],
    'SKIP',
    true,
  ]);
});
