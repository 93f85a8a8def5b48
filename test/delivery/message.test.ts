import { createHash } from 'node:crypto';
import { rename, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attachmentKey } from '../../activities/attachments';
import { openObjectStore } from '../../ops/runtime/object-store';
import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;

beforeAll(async () => {
  service = await TestService.create();
  service.runWorker();
});
afterAll(() => service?.close());

async function attach(name: string, type: string, bytes: Buffer): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await openObjectStore(service.environment.FILES_URL as string).put(attachmentKey(sha256), bytes, { type });
  const file = { name, type, size: bytes.length, sha256 };
  return (await service.test.commands.recordAttachment(service.author, file)).id;
}

async function received(to: string) {
  const [mail] = service.mail.acceptedFor(to);
  if (!mail) throw new Error('No mail arrived');
  return { mail, parsed: await mail.parse() };
}

describe('the mail that leaves', () => {
  it('says what was approved, from whom, and when', async () => {
    const draft = await service.submitDue('reader@example.org', {
      replyTo: 'desk@example.org',
      subject: 'Protokoll – größer, 議事録 ✓',
      body: 'Zeile eins.\n.\n..\nZeile – fünf: ✓ 議事録\n',
    });
    const sent = await service.draftIn('sent', draft.id);
    expect(sent).toMatchObject({ outcome: 'delivered', failure: null });
    const { mail, parsed } = await received('reader@example.org');
    expect(mail.sender).toBe('outbox@countersign.example');
    expect(parsed.from?.value).toEqual([{ name: 'Countersign', address: 'outbox@countersign.example' }]);
    expect(parsed.to).toMatchObject({ value: [{ address: 'reader@example.org' }] });
    expect(parsed.replyTo?.value).toMatchObject([{ address: 'desk@example.org' }]);
    expect(parsed.subject).toBe('Protokoll – größer, 議事録 ✓');
    expect(parsed.text).toBe('Zeile eins.\n.\n..\nZeile – fünf: ✓ 議事録\n');
    expect(parsed.html).toBe(false);
    expect(parsed.messageId).toBe(sent.messageId);
    const age = Date.now() - (parsed.date as Date).getTime();
    expect(age).toBeGreaterThanOrEqual(-1000);
    expect(age).toBeLessThan(60_000);
  });

  it('keeps the case and the characters of an address, and a subject of 998 characters', async () => {
    const subject = 'ä'.repeat(998);
    const draft = await service.submitDue('First.Last+tag@Example.org', { subject });
    await service.draftIn('sent', draft.id);
    const { mail, parsed } = await received('First.Last+tag@example.org').catch(() =>
      received('First.Last+tag@Example.org'),
    );
    expect(mail.recipient).toMatch(/^First\.Last\+tag@/);
    expect(parsed.subject).toBe(subject);
    const longest = Math.max(
      ...mail.bytes
        .toString('latin1')
        .split('\r\n')
        .map((line) => line.length),
    );
    expect(longest).toBeLessThanOrEqual(998);
  });

  it('says what was approved where that looks encoded', async () => {
    const looksEncoded = '=?utf-8?B?SGFsbG8=?=';
    const file = await attach(looksEncoded, 'text/plain', Buffer.from('x'));
    const draft = await service.submitDue('gibberish@example.org', { subject: looksEncoded, attachments: [file] });
    await service.draftIn('sent', draft.id);
    const { parsed } = await received('gibberish@example.org');
    expect(parsed.subject).toBe(looksEncoded);
    expect(parsed.attachments.map(({ filename }) => filename)).toEqual([looksEncoded]);
  });

  it('has no line of more than 998 octets, though its subject is one word of 998', async () => {
    const subject = 'x'.repeat(998);
    const draft = await service.submitDue('long@example.org', { subject, body: 'y'.repeat(5_000) });
    await service.draftIn('sent', draft.id);
    const { mail, parsed } = await received('long@example.org');
    expect(parsed.subject).toBe(subject);
    const lines = mail.bytes.toString('latin1').split('\r\n');
    expect(lines.filter((line) => line.length > 998)).toEqual([]);
  });

  it('has a text part and an HTML part that say the same to different readers', async () => {
    const draft = await service.submitDue('html@example.org', { body: 'Plain.', html: '<p>Rich <b>ü</b>.</p>' });
    await service.draftIn('sent', draft.id);
    const { mail, parsed } = await received('html@example.org');
    expect(mail.bytes.toString('latin1')).toMatch(/^content-type: multipart\/alternative/im);
    expect(parsed.text).toContain('Plain.');
    expect(parsed.html).toBe('<p>Rich <b>ü</b>.</p>');
  });

  it('carries its attachments byte for byte, in their order', async () => {
    const random = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251));
    const files = [
      await attach('Bericht – März.pdf', 'application/pdf', random),
      await attach('empty.txt', 'text/plain', Buffer.alloc(0)),
    ];
    const draft = await service.submitDue('files@example.org', { attachments: files, html: '<p>x</p>' });
    await service.draftIn('sent', draft.id);
    const { parsed } = await received('files@example.org');
    expect(parsed.attachments.map(({ filename, contentType }) => [filename, contentType])).toEqual([
      ['Bericht – März.pdf', 'application/pdf'],
      ['empty.txt', 'text/plain'],
    ]);
    expect(parsed.attachments[0]?.content.equals(random)).toBe(true);
    expect(parsed.attachments[1]?.content).toHaveLength(0);
  });

  it('can forge no header, whatever the subject and the names try', async () => {
    const file = await attach('x\r\nBcc: evil@example.org.txt', 'text/plain', Buffer.from('x'));
    const draft = await service.submitDue('headers@example.org', {
      subject: 'Hi\r\nBcc: evil@example.org',
      attachments: [file],
    });
    await service.draftIn('sent', draft.id);
    const { parsed } = await received('headers@example.org');
    expect(parsed.bcc).toBeUndefined();
    expect(service.mail.acceptedFor('evil@example.org')).toEqual([]);
  });

  it('is not sent where its content is no longer what was approved', async () => {
    const draft = await service.submitDue('changed@example.org', { sendAt: new Date(Date.now() + 1500).toISOString() });
    await service.database.db.revision.updateMany({ where: { draftId: draft.id }, data: { body: 'Something else.' } });
    const blocked = await service.draftIn('blocked', draft.id);
    expect(blocked.failure?.code).toBe('content_changed');
    expect(service.mail.acceptedFor('changed@example.org')).toEqual([]);
  });

  it('is not sent without an attachment that has gone', async () => {
    const file = await service.test.commands.recordAttachment(service.author, {
      name: 'gone.txt',
      type: 'text/plain',
      size: 1,
      sha256: '0'.repeat(64),
    });
    const draft = await service.submitDue('gone@example.org', { attachments: [file.id] });
    const failed = await service.draftIn('failed', draft.id);
    expect(failed.failure?.code).toBe('attachment_missing');
    expect(service.mail.acceptedFor('gone@example.org')).toEqual([]);
  });

  it('is not sent with an attachment whose bytes are no longer those that were approved', async () => {
    const file = await attach('terms.txt', 'text/plain', Buffer.from('You pay 10.'));
    const { sha256 } = await service.database.db.attachment.findUniqueOrThrow({ where: { id: file } });
    const draft = await service.submitForReview('tampered@example.org', { attachments: [file] });
    const files = openObjectStore(service.environment.FILES_URL as string);
    await files.put(attachmentKey(sha256), Buffer.from('You pay 1000.'));
    await service.approve(draft);
    const blocked = await service.draftIn('blocked', draft.id);
    expect(blocked.failure?.code).toBe('content_changed');
    expect(service.mail.acceptedFor('tampered@example.org')).toEqual([]);
  });

  it('waits, and loses no attempt, while its attachments cannot be read', async () => {
    const file = await attach('later.txt', 'text/plain', Buffer.from('Here I am.'));
    const { sha256 } = await service.database.db.attachment.findUniqueOrThrow({ where: { id: file } });
    const path = join(fileURLToPath(service.environment.FILES_URL as string), attachmentKey(sha256));
    await rename(path, `${path}.away`);
    // A link to itself: there, and not to be read.
    await symlink(path, path);
    const draft = await service.submitDue('patient@example.org', { attachments: [file] });
    const row = await until('it is tried again later', async () => {
      const found = await service.database.db.draft.findUniqueOrThrow({ where: { id: draft.id } });
      return found.failureCode === 'file_store_away' && found;
    });
    expect(row).toMatchObject({ status: 'scheduled', attempts: 0 });
    await unlink(path);
    await rename(`${path}.away`, path);
    // The time comes sooner for this test.
    await service.database.db.draft.update({ where: { id: draft.id }, data: { nextAttemptAt: new Date() } });
    await service.draftIn('sent', draft.id);
    expect((await received('patient@example.org')).parsed.attachments[0]?.content.toString()).toBe('Here I am.');
  });
});
