// Who writes and decides drafts can be erased too: what they did still counts, under a pseudonym, and all stores can lie in S3.

import { createHash } from 'node:crypto';
import { attachmentKey } from '../../activities/attachments';
import { readStatistics } from '../../activities/personal-data/statistics';
import { collect } from '../support/collect';
import { type S3Server, startS3Server } from '../support/s3-server';
import { ErasureService } from './erasure-service';

let s3: S3Server;
let service: ErasureService;
beforeAll(async () => {
  s3 = await startS3Server();
  Object.assign(process.env, s3.environment);
  const bucket = await s3.createBucket({ versioned: true });
  service = await ErasureService.create({
    environment: { ...s3.environment, FILES_URL: `s3://${bucket}/files`, BACKUP_URL: `s3://${bucket}/backups` },
  });
  service.base.runWorker();
});
afterAll(async () => {
  await service?.close();
  await s3?.stop();
});

it('makes an author and approver a random pseudonym, ends their keys, and leaves every number as it was', async () => {
  const { base, commands, admin } = service;
  const { db } = base.database;
  const ada = await base.test.person('Ada Lovelace', 'author', 'approver');
  await db.principal.update({ where: { id: ada.actor.id }, data: { email: 'Ada@Office.example' } });
  const { id: keyId } = await commands.createKey(admin, { name: 'Ada Lovelace', roles: ['author', 'approver'] });
  const written = await commands.submitDraft(ada, {
    to: 'bob@customer.example',
    subject: 'By Ada',
    body: 'Signed: ada@office.example',
    campaign: 'spring',
  });
  const decided = await base.submitForReview('carol@customer.example', { campaign: 'spring' });
  await commands.rejectDraft(ada, { id: decided.id, reason: 'not our tone, says ada@office.example' });
  await commands.rejectDraft(base.approver, { id: written.id, reason: 'no' });
  await base.draftIn('rejected', written.id);
  const before = await readStatistics(db);

  const erasure = await service.erase('ada@office.example');
  expect(erasure.status).toBe('certified');
  expect(erasure.preview?.find(({ store }) => store === 'postgres')).toMatchObject({ erase: 0, anonymise: 3 });
  const gone = await db.principal.findUniqueOrThrow({ where: { id: ada.actor.id } });
  expect(gone).toMatchObject({ name: expect.stringMatching(/^erased-[0-9a-f]{16}$/), email: null });
  expect((await db.apiKey.findUniqueOrThrow({ where: { id: keyId } })).endedAt).not.toBeNull();
  expect(await base.draft(written.id)).toMatchObject({
    author: gone.name,
    to: 'bob@customer.example',
    body: 'Signed: [erased]',
  });
  const [verdict] = await db.verdict.findMany({ where: { draftId: decided.id } });
  expect(verdict).toMatchObject({ principalId: ada.actor.id, verdict: 'reject', comment: null });
  expect(await readStatistics(db)).toEqual(before);
});

it('erases a recipient with the files of their drafts, in every version, and leaves every number as it was', async () => {
  const { base, commands, files } = service;
  const { db } = base.database;
  const store = async (name: string, content: string) => {
    const bytes = Buffer.from(content);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await files.put(attachmentKey(sha256), bytes);
    const { id } = await commands.recordAttachment(base.author, {
      name,
      type: 'text/plain',
      size: bytes.length,
      sha256,
    });
    return { id, key: attachmentKey(sha256) };
  };
  const own = await store('own.txt', 'only in a draft to Dora');
  const shared = await store('shared.txt', 'in drafts to Dora and to others');
  const about = await store('about.txt', 'Dora is dora@customer.example');
  await files.put(own.key, Buffer.from('only in a draft to Dora'));
  const toDora = await base.submitDue('dora@customer.example', { attachments: [own.id, shared.id], campaign: 'x' });
  const toEve = await base.submitDue('eve@customer.example', { attachments: [shared.id] });
  const aboutDora = await base.submitForReview('fay@customer.example', { attachments: [about.id, shared.id] });
  await base.draftIn('sent', toDora.id);
  await base.draftIn('sent', toEve.id);
  const before = await readStatistics(db);

  const { status, requestId } = await service.erase('dora@customer.example');
  expect(status).toBe('certified');
  const left = (await collect(files.versions(''))).map(({ key }) => key);
  expect(new Set(left)).toEqual(new Set([shared.key]));
  expect((await base.draft(toEve.id)).attachments).toHaveLength(1);
  const open = await base.draft(aboutDora.id);
  expect([open.revision, open.status, open.attachments.map(({ id }) => id)]).toEqual([
    2,
    'pending_review',
    [shared.id],
  ]);
  expect(await readStatistics(db)).toEqual(before);

  const { certificate } = await db.erasure.findUniqueOrThrow({ where: { id: requestId } });
  expect(certificate).toMatchObject({
    certificate: {
      requestId,
      stores: expect.arrayContaining([{ store: 'attachments', erased: 2, anonymised: 0 }]),
      ledger: { position: 2 },
    },
  });
  await base.approve(open);
  expect((await base.draftIn('sent', open.id)).attachments).toHaveLength(1);
});
