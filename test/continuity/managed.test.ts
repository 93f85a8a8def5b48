// PostgreSQL as a provider runs it: our backups keep all the rest, and say truthfully that the database is not among it.
import { createHash } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { attachmentKey } from '../../activities/attachments';
import { readManifest } from '../../activities/backup/manifest';
import { openObjectStore } from '../../ops/runtime/object-store';
import { createSigner } from '../../ops/runtime/signing';
import type { backup, restore, restoreDrill } from '../../workflows';
import { BACKUP_PARTS, backupWorkflowId, toSetId } from '../../workflows/contracts/backup';
import { progress, restoreWorkflowId } from '../../workflows/contracts/restore';
import { restoreDrillWorkflowId } from '../../workflows/contracts/restore-drill';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { ADMIN_PASSWORD, TestApi } from '../api/test-api';
import { SETTINGS } from '../support/commands';
import type { TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { pauseBackups } from '../support/schedules';
import { TestService } from '../support/service';
import { adopt, copyInPlace, untilHeld } from './adopting';

const MANAGED = { POSTGRES_KEPT_BY: 'provider', BACKUP_PASSPHRASE: 'twenty characters or more' };
const CONTENT = Buffer.from('an attachment');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

let service: TestService;
let copy: TestDatabase | null = null;
beforeAll(async () => {
  service = await TestService.create({ environment: { ...MANAGED, FILES_URL: `file://${newFolder('files')}` } });
  await pauseBackups(service.temporal.client);
  const { id: uploaderId } = service.author.actor;
  await files().put(attachmentKey(SHA256), CONTENT);
  await service.database.db.attachment.create({
    data: {
      id: uuidv7(),
      uploaderId,
      name: 'a.txt',
      type: 'text/plain',
      size: CONTENT.length,
      sha256: SHA256,
      createdAt: new Date(),
    },
  });
  service.runWorker();
});
afterAll(async () => {
  await service.endWorkers();
  await copy?.drop();
  await service.close();
});

const files = () => openObjectStore(service.environment.FILES_URL as string);
const backups = () => openObjectStore(service.environment.BACKUP_URL as string);
const workflows = () => service.temporal.client.workflow;

it('backs up files and names the time of the database', async () => {
  const setId = toSetId(new Date());
  const result = await workflows().execute<typeof backup>('backup', {
    workflowId: backupWorkflowId(setId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ setId, kind: 'full', parts: [...BACKUP_PARTS] }],
  });
  expect(result).toMatchObject({ setId, kind: 'full', walChecked: 0 });
  const manifest = await readManifest(backups(), createSigner(SETTINGS.SECRET_KEY, 'backups'), setId);
  expect(manifest).toMatchObject({
    postgres: null,
    provider: { at: expect.any(String), databaseId: expect.stringMatching(/^\d+\/\d+$/), timeline: expect.any(Number) },
    files: { files: 1, bytes: CONTENT.length },
  });
});

it('says of archiving that it is for the provider to tell', async () => {
  const { TEMPORAL_ADDRESS: address = '', TEMPORAL_NAMESPACE: namespace = '' } = service.environment;
  const settings = { POSTGRES_KEPT_BY: 'provider' as const };
  const api = await TestApi.create({ database: service.database, settings, temporal: { address, namespace } });
  const { body } = await api.anyone.get('/api/ops/backups').set('X-Admin-Token', ADMIN_PASSWORD);
  await api.close();
  expect(body.archiving).toEqual({ state: 'unknown', reason: 'kept_by_provider', oldestWaitingSeconds: null });
});

it('reads back in a drill what it keeps, and proves nothing of the database', async () => {
  const drillId = uuidv7();
  const handle = await workflows().start<typeof restoreDrill>('restoreDrill', {
    workflowId: restoreDrillWorkflowId(drillId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ drillId }],
  });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'kept_by_provider' } });
  const { result } = await handle.query<{ result: unknown }, []>('progress');
  expect(result).toMatchObject({
    outcome: 'NOT PROVEN',
    parts: { files: { files: 1, bytes: CONTENT.length }, redis: { bytes: expect.any(Number) } },
    problem: { code: 'kept_by_provider' },
  });
});

it('refuses to restore the database, and says who does', async () => {
  const restoreId = uuidv7();
  const handle = await workflows().start<typeof restore>('restore', {
    workflowId: restoreWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId, target: { from: 'latest' } }],
  });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'kept_by_provider' } });
  expect(await handle.query(progress)).toMatchObject({
    status: 'refused',
    problem: { message: expect.stringContaining('ops/restore.sh --adopt') },
  });
});

it('puts back what the database names, once the provider has restored that and it is adopted', async () => {
  const old = await copyInPlace(service.database);
  copy = old;
  const lost = await service.submitDue('lost@example.org');
  await service.draftIn('sent', lost.id);
  await service.endWorkers();
  await files().delete(attachmentKey(SHA256));
  service.runWorker({ DATABASE_URL: old.url });
  await untilHeld(old.db);
  expect(await adopt(old.db, service.temporal)).toMatchObject({ status: 'done' });
  expect(await files().has(attachmentKey(SHA256))).toBe(true);
});
