// A restore to a set that knows a person who has been erased since: they do not come back, what the set holds does, and an undo
// loses nothing.
import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { attachmentKey } from '../../activities/attachments';
import { createFollowUpActivities } from '../../activities/restore/follow-up';
import { livingName } from '../../ops/local/clusters';
import { sourcesOf } from '../../worker/erasure';
import type { undoRestore } from '../../workflows';
import { undoWorkflowId } from '../../workflows/contracts/restore-follow-up';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { scanAll } from '../erasure-scan/scan-one';
import { inLongRuns } from '../support/servers';
import { RestoredService } from './restored-service';
import { runStep } from './restoring-host';

const ADA = 'ada@customer.example';
const BOB = 'bob@customer.example';
const HOUR_MS = 3_600_000;

let service: RestoredService;
beforeAll(async () => {
  service = await RestoredService.start();
});
afterAll(() => service?.close());

let setId: string;
let restoreId: string;
/** The database that was restored away from. */
let old: string;

async function findings(): Promise<[string, number, string[]][]> {
  const { files, backups, settings } = service.tools;
  const temporal = service.base.temporal.client;
  const report = await scanAll(sourcesOf(settings, { files, backups, temporal }), { email: ADA, fingerprints: [] });
  return report.sources.map(({ source, findings, places }) => [source, findings, places]);
}

test('who has been erased since stays so everywhere, and files and Redis are as the set has them', async () => {
  const { base, erasure, redis, tools } = service;
  const toAda = await base.submitDue(ADA, { attachments: [await erasure.upload('for Ada')] });
  const content = 'for Bob';
  const toBob = await base.submitForReview(BOB, { attachments: [await erasure.upload(content)] });
  const mentioning = await base.submitForReview(BOB, { body: `Ask ${ADA}` });
  await base.draftIn('sent', toAda.id);
  const sent = base.mail.accepted.length;
  service.putMail('20260101T000000000Z-1', ADA);
  service.putMail('20260101T000000000Z-2', BOB);
  // In the mailbox and in Redis alone.
  await redis.set(`countersign:test:${ADA}`, 'by name');
  await redis.set('countersign:test:value', `to=${ADA}`);
  await redis.set('countersign:test:kept', 'kept', 'PX', HOUR_MS);
  setId = await service.backUp();

  expect((await erasure.erase(ADA)).status).toBe('certified');
  const key = attachmentKey(createHash('sha256').update(content).digest('hex'));
  await tools.files.delete(key);
  for (const name of service.mails()) rmSync(service.mailFile(name));
  await redis.del('countersign:test:kept');
  await redis.set('countersign:test:later', 'later');
  const others = new Redis(service.redisServer.url);
  await others.set('others', 'here');
  await redis.set('shop:cart', 'of another tenant');

  old = livingName(service.host.folder);
  const restored = await service.restoreTo({ from: setId });
  restoreId = restored.restoreId;
  expect(restored.result).toMatchObject({ generation: 2, previous: old, lost: { complete: true } });
  expect(await base.draft(toAda.id)).toMatchObject({ status: 'erased', to: null, body: null });
  expect(await base.draft(mentioning.id)).toMatchObject({ body: 'Ask [erased]', to: BOB });
  expect(await findings()).toEqual((await findings()).map(([source]) => [source, 0, []]));
  expect(await tools.files.has(key)).toBe(true);
  expect((await base.draft(toBob.id)).attachments).toHaveLength(1);
  expect(service.mails()).toEqual(['20260101T000000000Z-2.eml']);
  expect(await redis.get('countersign:test:kept')).toBe('kept');
  expect(await redis.pttl('countersign:test:kept')).toBeGreaterThan(HOUR_MS / 2);
  expect(await redis.pttl('countersign:test:kept')).toBeLessThanOrEqual(HOUR_MS);
  expect(await redis.keys('countersign:test:*')).toEqual(['countersign:test:kept']);
  expect(await others.get('others')).toBe('here');
  expect(await redis.get('shop:cart')).toBe('of another tenant');
  others.disconnect();

  await service.reconcile(restoreId, true);
  const again = await base.submitDue(ADA);
  const carol = await base.submitDue('carol@customer.example');
  await base.draftIn('sent', carol.id);
  expect(await base.draftIn('blocked', again.id)).toMatchObject({ outcome: 'suppressed' });
  expect(base.mail.accepted.slice(sent).filter(({ recipient }) => recipient === ADA)).toEqual([]);
});

test('an undo goes back, and its reconciliation brings what was acknowledged meanwhile', async () => {
  const { base } = service;
  const meanwhile = await base.submitForReview('dora@customer.example');
  const { restoreId: undoId } = await service.workflows.execute<typeof undoRestore>('undoRestore', {
    workflowId: undoWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId }],
  });
  expect(livingName(service.host.folder)).toBe(old);
  await expect(base.draft(meanwhile.id)).rejects.toThrow('No such draft');
  expect(await service.reconcile(undoId)).toMatchObject({ restoreId: undoId });
  expect(await base.draft(meanwhile.id)).toMatchObject({ status: 'pending_review', to: 'dora@customer.example' });
  await base.approve(meanwhile);
  await base.draftIn('sent', meanwhile.id);
});

inLongRuns('where the old database is lost, what had been is known from the log, as far as it was kept', async () => {
  const { base, host } = service;
  const waiting = await base.submitForReview('emil@customer.example');
  // The newest set may be one of the life that was undone, which leads to another end.
  const { restoreId: id, result } = await service.restoreTo({ from: setId });
  await expect(base.draft(waiting.id)).rejects.toThrow('No such draft');
  rmSync(join(host.folder, result.previous ?? ''), { recursive: true });

  const { listLost } = createFollowUpActivities(host.tools, {
    temporal: base.temporal.client,
    erasuresOn: () => {
      throw new Error('none is needed');
    },
  });
  const lost = await runStep(listLost, id);
  expect(lost.complete).toBe(false);
  expect(lost.drafts).toBeGreaterThanOrEqual(1);
  await service.reconcile(id);
  expect(await base.draft(waiting.id)).toMatchObject({ status: 'pending_review' });
  expect(existsSync(join(host.folder, `truth-${id}`))).toBe(false);
});
