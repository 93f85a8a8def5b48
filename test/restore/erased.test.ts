// A restore to a set that knows a person who has been erased since, through the real workflows: nobody comes back, what the
// set holds does, an undo loses nothing, and what is true is known without the old database.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { uuidv7 } from 'uuidv7';
import { attachmentKey } from '../../activities/attachments';
import { createScan } from '../../activities/erasure-scan';
import { createFollowUpActivities } from '../../activities/restore/follow-up';
import { livingName } from '../../ops/local/clusters';
import { startRedis } from '../../ops/local/redis';
import { sourcesOf } from '../../worker/erasure';
import type { backup, reconcileRestore, restore, undoRestore } from '../../workflows';
import { BACKUP_PARTS, backupWorkflowId, toSetId } from '../../workflows/contracts/backup';
import { type RestoreTarget, restoreWorkflowId } from '../../workflows/contracts/restore';
import { reconcileWorkflowId, undoWorkflowId } from '../../workflows/contracts/restore-follow-up';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { openTestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { OwnServer } from '../support/own-server';
import { type SupervisedHost, startSupervisedHost } from '../support/recovery-host';
import { inLongRuns } from '../support/servers';
import { ErasureService } from '../user-erasure/erasure-service';
import { runStep } from './restoring-host';

jest.setTimeout(240_000);

const ADA = 'ada@customer.example';
const BOB = 'bob@customer.example';
const HOUR_MS = 3_600_000;

let host: SupervisedHost;
let service: ErasureService;
let redisServer: OwnServer;
let redis: Redis;
let mailbox: string;
let setId: string;
let restoreId: string;

beforeAll(async () => {
  mailbox = newFolder('mailbox');
  redisServer = await OwnServer.start(startRedis, 'own-redis');
  // Others use the server too.
  const REDIS_URL = `${redisServer.url}/3`;
  redis = new Redis(REDIS_URL);
  host = await startSupervisedHost({ REDIS_URL, MAILBOX_PATH: mailbox });
  const {
    BACKUP_URL = '',
    BACKUP_PASSPHRASE = '',
    POSTGRES_HOME = '',
    FILES_URL = '',
    DATABASE_URL = '',
  } = host.environment;
  service = await ErasureService.create({
    database: openTestDatabase(DATABASE_URL),
    environment: { BACKUP_URL, BACKUP_PASSPHRASE, POSTGRES_HOME, FILES_URL, REDIS_URL, MAILBOX_PATH: mailbox },
  });
  service.base.startWorker();
});
afterAll(async () => {
  redis?.disconnect();
  await service?.close();
  await host?.postgres.stop();
  await redisServer?.stop();
});

const workflows = () => service.base.temporal.client.workflow;
const mail = (name: string, to: string) => writeFileSync(join(mailbox, `${name}.eml`), `To: ${to}\r\n\r\nhello`);
const mails = () => readdirSync(mailbox).filter((name) => name.endsWith('.eml'));

async function backUp(): Promise<string> {
  const id = toSetId(new Date());
  await workflows().execute<typeof backup>('backup', {
    workflowId: backupWorkflowId(id),
    taskQueue: TASK_QUEUES.ops,
    args: [{ setId: id, kind: 'full', parts: [...BACKUP_PARTS] }],
  });
  return id;
}

function restoreTo(target: RestoreTarget) {
  restoreId = uuidv7();
  return workflows().execute<typeof restore>('restore', {
    workflowId: restoreWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId, target, yes: true }],
  });
}

const reconcile = (id: string, acceptLoss = false) =>
  workflows().execute<typeof reconcileRestore>('reconcileRestore', {
    workflowId: reconcileWorkflowId(id),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId: id, acceptLoss }],
  });

async function findings(): Promise<[string, number, string[]][]> {
  const { tools } = host;
  const { files, backups, settings } = tools;
  const temporal = service.base.temporal.client;
  const report = await createScan(sourcesOf(settings, { files, backups, temporal }))(
    { email: ADA, fingerprints: [] },
    () => {},
  );
  return report.sources.map(({ source, findings, places }) => [source, findings, places]);
}

test('who was erased since stays erased everywhere, and files and Redis are as the set has them', async () => {
  const { base } = service;
  const toAda = await base.submitDue(ADA, { attachments: [await service.upload('for Ada')] });
  const content = 'for Bob';
  const toBob = await base.submitForReview(BOB, { attachments: [await service.upload(content)] });
  const mentioning = await base.submitForReview(BOB, { body: `Ask ${ADA}` });
  await base.draftIn('sent', toAda.id);
  const sent = base.mail.accepted.length;
  mail('20260101T000000000Z-1', ADA);
  mail('20260101T000000000Z-2', BOB);
  // In the mailbox and in Redis alone.
  await redis.set(`countersign:test:${ADA}`, 'by name');
  await redis.set('countersign:test:value', `to=${ADA}`);
  await redis.set('countersign:test:kept', 'kept', 'PX', HOUR_MS);
  setId = await backUp();

  expect((await service.erase(ADA)).status).toBe('certified');
  const key = attachmentKey(createHash('sha256').update(content).digest('hex'));
  await host.tools.files.delete(key);
  for (const name of mails()) rmSync(join(mailbox, name));
  await redis.del('countersign:test:kept');
  await redis.set('countersign:test:later', 'later');
  const others = new Redis(redisServer.url);
  await others.set('others', 'here');

  expect(await restoreTo({ from: setId })).toMatchObject({ generation: 2, lost: { complete: true } });
  expect(await base.draft(toAda.id)).toMatchObject({ status: 'erased', to: null, body: null });
  expect(await base.draft(mentioning.id)).toMatchObject({ body: 'Ask [erased]', to: BOB });
  expect(await findings()).toEqual((await findings()).map(([source]) => [source, 0, []]));
  expect(await host.tools.files.has(key)).toBe(true);
  expect((await base.draft(toBob.id)).attachments).toHaveLength(1);
  expect(mails()).toEqual(['20260101T000000000Z-2.eml']);
  expect(await redis.get('countersign:test:kept')).toBe('kept');
  expect(await redis.pttl('countersign:test:kept')).toBeGreaterThan(HOUR_MS / 2);
  expect(await redis.pttl('countersign:test:kept')).toBeLessThanOrEqual(HOUR_MS);
  expect(await redis.keys('countersign:test:*')).toEqual(['countersign:test:kept']);
  expect(await others.get('others')).toBe('here');
  others.disconnect();

  await reconcile(restoreId, true);
  const again = await base.submitDue(ADA);
  const bob = await base.submitDue('carol@customer.example');
  await base.draftIn('sent', bob.id);
  expect(await base.draftIn('blocked', again.id)).toMatchObject({ outcome: 'suppressed' });
  expect(base.mail.accepted.slice(sent).filter(({ recipient }) => recipient === ADA)).toEqual([]);
});

test('an undo goes back, and its reconciliation brings what was acknowledged meanwhile', async () => {
  const { base } = service;
  const meanwhile = await base.submitForReview('dora@customer.example');
  const { restoreId: undoId } = await workflows().execute<typeof undoRestore>('undoRestore', {
    workflowId: undoWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId }],
  });
  expect(livingName(host.folder)).toBe('data');
  await expect(base.draft(meanwhile.id)).rejects.toThrow('No such draft');
  expect(await reconcile(undoId)).toMatchObject({ restoreId: undoId });
  expect(await base.draft(meanwhile.id)).toMatchObject({ status: 'pending_review', to: 'dora@customer.example' });
  await base.approve(meanwhile);
  await base.draftIn('sent', meanwhile.id);
});

inLongRuns('where the old database is lost, what had been is known from the log, as far as that was kept', async () => {
  const { base } = service;
  const waiting = await base.submitForReview('emil@customer.example');
  // The newest set may be one of the life that was undone, which leads to another end.
  const { previous } = await restoreTo({ from: setId });
  await expect(base.draft(waiting.id)).rejects.toThrow('No such draft');
  rmSync(join(host.folder, previous ?? ''), { recursive: true });

  const { listLost } = createFollowUpActivities(host.tools, {
    temporal: base.temporal.client,
    erasuresOn: () => {
      throw new Error('none is needed');
    },
  });
  const lost = await runStep(listLost, restoreId);
  expect(lost.complete).toBe(false);
  expect(lost.drafts).toBeGreaterThanOrEqual(1);
  await reconcile(restoreId);
  expect(await base.draft(waiting.id)).toMatchObject({ status: 'pending_review' });
  expect(existsSync(join(host.folder, `truth-${restoreId}`))).toBe(false);
});
