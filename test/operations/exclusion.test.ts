// Real worker processes: what must not run beside each other waits for its turn, and goes on by itself.
import { readRestorePoint, restorePointName } from '../../activities/restore-points';
import { cleanupWorkflowId } from '../../workflows/contracts/draft-retention';
import { openBackups } from '../support/backups';
import { holdLock, lockHolder } from '../support/lock-holder';
import { plantDraft, plantPeople } from '../support/old-drafts';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { ErasureService } from '../user-erasure/erasure-service';

let service: ErasureService;
beforeAll(async () => {
  service = await ErasureService.create();
  service.base.runWorker();
});
afterAll(() => service?.close());

// Who had it says that it is done a moment before it gives the lock back.
afterEach(() => until('the lock is free', async () => (await lockHolder(service.base.temporal)) === null));

const waitsForLock = (workflowId: string) =>
  until('it waits for the lock', async () => {
    const { raw } = await service.base.temporal.client.workflow.getHandle(workflowId).describe();
    const waiting = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'acquireOperations');
    return waiting?.lastFailure?.message;
  });
const ended = (id: string) =>
  until('retention ends', async () => {
    const run = await service.base.database.db.cleanup.findUniqueOrThrow({ where: { id } });
    return run.status !== 'running' && run;
  });

describe('while a backup runs', () => {
  it('an erasure waits before its first step, and goes on when the lock is released', async () => {
    const { base } = service;
    const backup = await holdLock(base.temporal);
    const { requestId, workflowId } = await service.request('ada@customer.example', 'PT0S');
    await service.in('erasing', requestId);
    expect(await waitsForLock(workflowId)).toContain(`backup (${backup.workflowId})`);
    expect((await service.look(requestId)).steps).toEqual([]);
    await backup.release();
    expect((await service.ended(requestId)).status).toBe('certified');

    const name = restorePointName(requestId);
    const point = await readRestorePoint(openBackups(base.environment.BACKUP_URL as string), name);
    expect(point).toMatchObject({ name, process: 'userErasure', id: requestId, timeline: 1 });
    const [first] = await base.database.db.erasureStep.findMany({ orderBy: { startedAt: 'asc' } });
    expect(new Date(point?.at as string).getTime()).toBeLessThanOrEqual(first?.startedAt.getTime() as number);
  });

  it('retention waits, and the next that asks does not take the waiting run for abandoned', async () => {
    const { base } = service;
    const { db } = base.database;
    await plantPeople(db);
    const planted = await plantDraft(db);
    const backup = await holdLock(base.temporal, 'another-backup');
    const id = await base.test.commands.startCleanup(base.test.admin, { olderThanDays: 90 });
    await until('it has begun', () =>
      base.temporal.client.workflow
        .getHandle(cleanupWorkflowId(id))
        .describe()
        .catch(() => null),
    );
    await waitsForLock(cleanupWorkflowId(id));
    expect((await db.draft.findUniqueOrThrow({ where: { id: planted } })).status).not.toBe('erased');
    await backup.release();
    expect(await ended(id)).toMatchObject({ status: 'done', removed: 1 });
  });
});

describe('the lock of a holder that is gone', () => {
  it('goes to who waits', async () => {
    const { base } = service;
    const backup = await holdLock(base.temporal, 'a-backup-that-goes');
    const { requestId, workflowId } = await service.request('grace@customer.example', 'PT0S');
    await until('its process runs', () =>
      base.temporal.client.workflow
        .getHandle(workflowId)
        .describe()
        .catch(() => null),
    );
    await waitsForLock(workflowId);
    await backup.end();
    expect((await service.ended(requestId)).status).toBe('certified');
  });
});

it('the lock is had and given back while PostgreSQL is away', async () => {
  const { base } = service;
  const alone = await TestService.create({
    database: base.database,
    environment: { DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/nothing' },
  });
  alone.startWorker();
  const backup = await holdLock(alone.temporal);
  expect(await lockHolder(alone.temporal)).toMatchObject({ process: 'backup', workflowId: backup.workflowId });
  await backup.release();
  expect(await lockHolder(alone.temporal)).toBeNull();
  await alone.endWorkers();
  await alone.temporal.close();
  await alone.mail.away();
});
