// The whole of a backup in a bucket, made and restored by a real worker: the database, what was uploaded, Redis and the mailbox.
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { attachmentKey } from '../../activities/attachments';
import { type S3Server, startS3Server } from '../support/s3-server';
import { RestoredService } from './restored-service';

const BOB = 'bob@customer.example';
const MAIL = '20260101T000000000Z-1';

const before = { ...process.env };
let s3: S3Server;
let service: RestoredService;
beforeAll(async () => {
  s3 = await startS3Server({ tls: true });
  const bucket = await s3.createBucket({ versioned: true });
  service = await RestoredService.start({ ...s3.environment, BACKUP_URL: `s3://${bucket}/some/prefix` });
});
afterAll(async () => {
  await service?.close();
  process.env = before;
  await s3?.stop();
});

test('all of it comes back, and mail goes out again', async () => {
  const { base, erasure, redis, tools } = service;
  const toBob = await base.submitForReview(BOB, { attachments: [await erasure.upload('for Bob')] });
  service.putMail(MAIL, BOB);
  await redis.set('countersign:test:kept', 'kept');
  const setId = await service.backUp();
  const lost = await base.submitForReview('lost@customer.example');
  const key = attachmentKey(createHash('sha256').update('for Bob').digest('hex'));
  await tools.files.delete(key);
  for (const name of service.mails()) rmSync(service.mailFile(name));
  await redis.del('countersign:test:kept');

  const { restoreId, result } = await service.restoreTo({ from: setId });
  expect(result).toMatchObject({ generation: 2, lost: { complete: true, drafts: 1 } });
  await expect(base.draft(lost.id)).rejects.toThrow('No such draft');
  expect(await tools.files.has(key)).toBe(true);
  expect(service.mails()).toEqual([`${MAIL}.eml`]);
  expect(await redis.get('countersign:test:kept')).toBe('kept');
  await service.reconcile(restoreId);
  for (const { id } of [toBob, lost]) await base.approve(await base.draft(id));
  for (const { id } of [toBob, lost]) await base.draftIn('sent', id);
  expect(base.mail.repeated).toEqual([]);
});
