// What somebody has a duty to keep is withheld and said; the rest goes, and the hold's end finishes what it held up.
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { attachmentKey } from '../../activities/attachments';
import { REDIS_PREFIX } from '../../ops/runtime/redis';
import { collect } from '../support/collect';
import { newFolder } from '../support/environment';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../support/hubspot-server';
import { testServers } from '../support/servers';
import { ErasureService } from './erasure-service';

const mailbox = newFolder('mailbox');
let service: ErasureService;
let hubspot: HubspotServer;
let redis: Redis;
beforeAll(async () => {
  hubspot = await startHubspotServer();
  const environment = {
    MAILBOX_PATH: mailbox,
    HUBSPOT_ACCESS_TOKEN: HUBSPOT_TOKEN,
    HUBSPOT_BASE_URL: hubspot.url,
  };
  service = await ErasureService.create({ environment });
  service.base.runWorker();
  redis = new Redis(testServers().redis);
});
afterAll(async () => {
  redis?.disconnect();
  await service?.close();
  await hubspot?.close();
});

const statusOf = async (id: string) => (await service.base.draft(id)).status;

it('withholds one draft, erases the rest, and finishes by itself when the hold is released', async () => {
  const email = 'held-draft@customer.example';
  const [kept, gone] = [await service.base.submitForReview(email), await service.base.submitForReview(email)];
  const hold = await service.commands.placeHold(service.admin, { draftId: kept.id, reason: 'evidence' });

  const { requestId } = await service.request(email, 'PT0S');
  const preview = await service.preview(requestId);
  expect(preview).toContainEqual({ store: 'postgres', erase: 1, anonymise: 0, withhold: 1, ground: 'legal_hold' });
  await service.in('suspended', requestId);
  expect([await statusOf(kept.id), await statusOf(gone.id)]).toEqual(['pending_review', 'erased']);
  expect(await service.base.draft(kept.id)).toMatchObject({ to: email, body: kept.body });

  await service.commands.releaseHold(service.admin, hold.id);
  expect((await service.ended(requestId)).status).toBe('certified');
  expect(await statusOf(kept.id)).toBe('erased');
});

it('withholds everything about a person, and sends nothing to them all the same', async () => {
  const email = 'held-person@customer.example';
  const draft = await service.base.submitForReview(email);
  const mention = await service.base.submitForReview('bob@customer.example', { body: `Ask ${email}` });
  const { files } = service;
  const key = `${REDIS_PREFIX}a note of held-person`;
  await redis.set(key, email);
  const bytes = Buffer.from(`Ask ${email}`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await files.put(attachmentKey(sha256), bytes);
  const file = { name: 'notes.txt', type: 'text/plain', size: bytes.length, sha256 };
  const { id: attachment } = await service.commands.recordAttachment(service.base.author, file);
  const withFile = await service.base.submitDue('bob@customer.example', { attachments: [attachment] });
  await service.base.draftIn('sent', withFile.id);
  const hold = await service.commands.placeHold(service.admin, { email: email.toUpperCase(), reason: 'a law suit' });
  const { requestId } = await service.request(email, 'PT0S');
  const preview = await service.preview(requestId);
  expect(preview).toContainEqual({ store: 'postgres', erase: 0, anonymise: 0, withhold: 2, ground: 'legal_hold' });
  await service.in('suspended', requestId);
  expect(await service.base.draft(mention.id)).toMatchObject({ body: `Ask ${email}`, revision: 1 });
  expect(await redis.get(key)).toBe(email);
  expect(await collect(files.list('attachments/'))).toEqual([attachmentKey(sha256)]);

  await service.base.approve(draft);
  expect(await service.base.draftIn('blocked', draft.id)).toMatchObject({ outcome: 'suppressed', to: email });
  await service.commands.releaseHold(service.admin, hold.id);
  expect((await service.ended(requestId)).status).toBe('certified');
  expect([await statusOf(draft.id), (await service.base.draft(mention.id)).body]).toEqual(['erased', 'Ask [erased]']);
  expect([await redis.get(key), await collect(files.list('attachments/'))]).toEqual([null, []]);
});

it('withholds what lies outside of the database too, and it goes when the hold is released', async () => {
  const email = 'held-everywhere@customer.example';
  const file = await service.upload(`Ask ${email}`);
  writeFileSync(join(mailbox, 'to-her.eml'), `To: ${email}\r\nSubject: x\r\n\r\nx`);
  hubspot.contacts.push({ id: '17', properties: { email } });
  const sent = await service.base.submitDue('bob@customer.example', { attachments: [file] });
  await service.base.draftIn('sent', sent.id);
  const hold = await service.commands.placeHold(service.admin, { email, reason: 'a law suit' });
  const stores = ['attachments', 'hubspot', 'mailbox'];
  const withheld = { erase: 0, anonymise: 0, withhold: 1, ground: 'legal_hold' };

  const { requestId } = await service.request(email, 'PT0S');
  const preview = await service.preview(requestId);
  for (const store of stores) expect(preview).toContainEqual({ store, ...withheld });
  const { steps } = await service.in('suspended', requestId);
  for (const step of stores) expect(steps).toContainEqual(expect.objectContaining({ step, erased: 0, withheld: 1 }));
  const left = () => [
    readdirSync(mailbox).length,
    hubspot.contacts.filter(({ properties }) => properties.email === email).length,
    hubspot.blocked.includes(email),
  ];
  expect(left()).toEqual([1, 1, false]);
  expect((await service.base.draft(sent.id)).attachments).toHaveLength(1);

  await service.commands.releaseHold(service.admin, hold.id);
  expect((await service.ended(requestId)).status).toBe('certified');
  expect(left()).toEqual([0, 0, true]);
  expect((await service.base.draft(sent.id)).attachments).toEqual([]);
});

it('does not hold any more once its end has come', async () => {
  const email = 'held-until@customer.example';
  const draft = await service.base.submitForReview(email);
  await service.commands.placeHold(service.admin, {
    draftId: draft.id,
    reason: 'a short one',
    until: new Date(Date.now() - 1_000).toISOString(),
  });
  expect((await service.erase(email)).status).toBe('certified');
  expect(await statusOf(draft.id)).toBe('erased');
});

it('holds up no erasure of anybody else', async () => {
  const draft = await service.base.submitForReview('ada@customer.example');
  await service.commands.placeHold(service.admin, { email: 'lada@customer.example', reason: 'another person' });
  expect((await service.erase('ada@customer.example')).status).toBe('certified');
  expect(await statusOf(draft.id)).toBe('erased');
});
