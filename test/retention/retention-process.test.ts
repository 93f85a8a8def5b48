import { ensureSchedules, SCHEDULES } from '../../worker/schedules';
import { cleanupWorkflowId, DRAFT_RETENTION_SCHEDULE, progress } from '../../workflows/contracts/draft-retention';
import { lockHolder } from '../support/lock-holder';
import { AUTHOR, daysAgo, everythingOf, plantDraft, plantPeople } from '../support/old-drafts';
import { oneOf } from '../support/one-of';
import { makeSchedules } from '../support/schedules';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';

const MANY = isLongRun ? 20_000 : 2_500;
/** So that a run of few batches can be met in the middle. */
const SLOW_BATCHES = `
  CREATE FUNCTION slow_batch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.15); RETURN NEW; END $$;
  CREATE TRIGGER slow_batch AFTER UPDATE OF removed ON cleanups FOR EACH ROW EXECUTE FUNCTION slow_batch();`;

let service: TestService;
async function createService(): Promise<void> {
  service = await TestService.create();
  await plantPeople(service.database.db);
  await service.database.pool.query(SLOW_BATCHES);
}
const closeService = () => service?.close();

const plantMany = (count: number) => service.database.db.$executeRaw`
  INSERT INTO drafts (id, status, author_id, "to", decision, created_at, updated_at, needs_people)
  SELECT gen_random_uuid(), 'sent', ${AUTHOR}::uuid, 'x@example.org', '{}', now() - interval '100 days' - i * interval '1 second', now(), false
  FROM generate_series(1, ${count}::int) i`;
const start = () => service.test.commands.startCleanup(service.test.admin, { olderThanDays: 90 });
const ended = (id: string, withinMs?: number) =>
  until(
    'the run ends',
    async () => {
      const run = await service.database.db.cleanup.findUniqueOrThrow({ where: { id } });
      return run.status !== 'running' && run;
    },
    withinMs,
  );
const someAreErased = (id: string) =>
  until('some are erased', async () => {
    const { removed } = await service.database.db.cleanup.findUniqueOrThrow({ where: { id } });
    return removed > 0;
  });

describe('retention', () => {
  beforeAll(async () => {
    await createService();
    service.runWorker();
  });
  afterAll(closeService);

  it('that was asked for runs as a process of its own and says what it did', async () => {
    const [old, young] = [
      await plantDraft(service.database.db),
      await plantDraft(service.database.db, { createdAt: daysAgo(89) }),
    ];
    const before = await everythingOf(service.database.db, young);
    const id = await start();
    expect(await ended(id)).toMatchObject({ status: 'done', removed: 1, held: 0, active: null });
    const handle = service.temporal.client.workflow.getHandle(cleanupWorkflowId(id));
    expect(await handle.result()).toEqual({ status: 'done', drafts: 1, held: 0 });
    expect(await handle.query(progress)).toEqual({ status: 'done', drafts: 1, held: 0 });
    expect((await everythingOf(service.database.db, old)).status).toBe('erased');
    expect(await everythingOf(service.database.db, young)).toEqual(before);
  });

  it('that is cancelled is partial, stops, and lets the next one run', async () => {
    await plantMany(MANY);
    const id = await start();
    await someAreErased(id);
    await service.temporal.client.workflow.getHandle(cleanupWorkflowId(id)).cancel();
    const { status, reason, removed } = await ended(id);
    expect([status, reason]).toEqual(['partial', 'cancelled']);
    expect(removed).toBeLessThan(MANY);
    expect(await ended(await start())).toMatchObject({ status: 'done', removed: MANY - removed });
    expect(await service.database.db.cleanup.findUniqueOrThrow({ where: { id } })).toMatchObject({ removed });
  });

  it('removes what else has aged out, and nothing beside it', async () => {
    const { db } = service.database;
    const key = (endedAt: Date | null, n: number) =>
      db.apiKey.create({
        data: {
          id: `0197a000-0000-7000-8000-00000000100${n}`,
          principalId: AUTHOR,
          hash: Uint8Array.of(n),
          roles: [],
          endedAt,
        },
      });
    const [live, over] = [await key(null, 1), await key(new Date(), 2)];
    const session = (n: number, keyId: string, expiresAt: Date) =>
      db.session.create({ data: { hash: Uint8Array.of(n), keyId, expiresAt } });
    await session(1, live.id, daysAgo(-1));
    await session(2, live.id, new Date(Date.now() - 1000));
    await session(3, over.id, daysAgo(-1));
    const cleanup = (id: number, finishedAt: Date) =>
      db.cleanup.create({
        data: {
          id: `0197a000-0000-7000-8000-00000000200${id}`,
          process: 'draftRetention',
          status: 'done',
          before: finishedAt,
          startedAt: finishedAt,
          finishedAt,
        },
      });
    const { id: old } = await cleanup(1, daysAgo(368));
    const { id: recent } = await cleanup(2, daysAgo(364));
    const id = await start();
    await ended(id);
    expect((await db.session.findMany()).map(({ hash }) => hash)).toEqual([Uint8Array.of(1)]);
    const planted = { id: { in: [old, recent, id] } };
    expect((await db.cleanup.findMany({ where: planted })).map((run) => run.id).sort()).toEqual([recent, id].sort());
  });

  it('has a schedule once a worker is there, at three in the morning, and runs by it', async () => {
    await plantMany(3);
    const handle = service.temporal.client.schedule.getHandle(DRAFT_RETENTION_SCHEDULE);
    const { spec, policies } = await until('it is there', () => handle.describe().catch(() => null));
    expect(spec.calendars).toMatchObject([{ hour: [{ start: 3, end: 3 }], minute: [{ start: 0, end: 0 }] }]);
    expect(policies.overlap).toBe('SKIP');
    await handle.trigger();
    const run = await until('it has run', () =>
      service.database.db.cleanup.findFirst({ where: { status: 'done', requestedBy: null, removed: 3 } }),
    );
    expect(run.startedAt.getTime() - run.before.getTime()).toBe(90 * 86_400_000);
  });
});

describe('retention whose worker', () => {
  beforeEach(createService);
  afterEach(closeService);

  const isStruck = oneOf(2);
  isStruck('is killed goes on where it was, and erases each draft once', async () => {
    await plantMany(MANY);
    const first = service.startWorker();
    const id = await start();
    await someAreErased(id);
    expect(await lockHolder(service.temporal)).toMatchObject({ workflowId: cleanupWorkflowId(id) });
    await first.kill();
    const { removed } = await service.database.db.cleanup.findUniqueOrThrow({ where: { id } });
    expect(removed).toBeLessThan(MANY);
    service.runWorker();
    expect(await ended(id)).toMatchObject({ status: 'done', removed: MANY });
    // Its successor has held on to the lock of the same process, and given it back.
    await until('the lock is free', async () => (await lockHolder(service.temporal)) === null);
    expect(await service.database.db.draft.count({ where: { status: 'erased', version: 2 } })).toBe(MANY);
    expect(await service.database.db.auditEvent.count({ where: { type: 'draft.erased' } })).toBe(MANY);
  });

  isStruck('freezes holds up no legal hold, and does nothing twice when it thaws', async () => {
    const { db } = service.database;
    await plantMany(MANY);
    const first = service.startWorker();
    const id = await start();
    await someAreErased(id);
    first.freeze();
    // It may have frozen in the middle of a batch.
    const hold = { id, draftId: id, reason: 'a lawsuit', createdBy: AUTHOR, createdAt: new Date() };
    await db.legalHold.create({ data: hold });
    if (isLongRun) {
      // Polls that the frozen worker left open may take work for a minute.
      service.startWorker({ WORKER_METRICS_PORT: '0' });
      await ended(id, 180_000);
    }
    first.thaw();
    expect(await ended(id)).toMatchObject({ status: 'done', removed: MANY });
    expect(await db.draft.count({ where: { status: 'erased', version: 2 } })).toBe(MANY);
    expect(await db.auditEvent.count({ where: { type: 'draft.erased' } })).toBe(MANY);
    expect(first.running).toBe(true);
  });
});

describe('the schedule', () => {
  beforeEach(createService);
  afterEach(closeService);

  const isScheduled = oneOf(2);
  isScheduled('does nothing while a run that was asked for is at work', async () => {
    const id = await start();
    await makeSchedules(service.temporal.client);
    // Its message is not delivered, now or to a store of Temporal that is new: the row alone keeps the schedule off.
    await service.database.db.outboxMessage.deleteMany();
    await service.temporalKnows();
    service.runWorker();
    const handle = service.temporal.client.schedule.getHandle(DRAFT_RETENTION_SCHEDULE);
    await handle.trigger();
    const action = await until('it has started', async () => (await handle.describe()).info.recentActions.at(-1));
    if (action.action.type !== 'startWorkflow') throw new Error('It starts a workflow');
    const { workflowId } = action.action.workflow;
    expect(await service.temporal.client.workflow.getHandle(workflowId).result()).toBeNull();
    expect(await service.database.db.cleanup.findMany()).toMatchObject([{ id, status: 'running' }]);
  });

  isScheduled('is made once and brought up to date, and stays paused where it was', async () => {
    const { client } = service.temporal;
    await makeSchedules(service.temporal.client);
    const handle = client.schedule.getHandle(DRAFT_RETENTION_SCHEDULE);
    await handle.pause('not now');
    await handle.update(({ state, ...schedule }) => ({ ...schedule, state, spec: { calendars: [{ hour: 5 }] } }));
    await Promise.all([ensureSchedules(client), ensureSchedules(client)]);
    const { spec, state } = await handle.describe();
    expect(spec.calendars).toMatchObject([{ hour: [{ start: 3 }] }]);
    expect(state).toMatchObject({ paused: true, note: 'not now' });
    expect(SCHEDULES.map(({ scheduleId }) => scheduleId)).toContain(DRAFT_RETENTION_SCHEDULE);
  });
});
