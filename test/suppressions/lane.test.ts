// What becomes of mail to a suppressed address, with a real worker and a real mail server.
import { createSubjects } from '../../activities/personal-data/subject';
import { SETTINGS, timeline } from '../support/commands';
import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;
beforeAll(async () => {
  service = await TestService.create({
    environment: { PUBLIC_URL: 'https://mail.example/countersign/', LOG_LEVEL: 'trace' },
  });
});
afterAll(() => service?.close());

/** To whom of these a conversation has come as far as the message, in order. */
const begunFor = (...recipients: string[]) => service.mail.begun.filter((one) => recipients.includes(one));

const suppress = (email: string) =>
  service.test.commands.addSuppression(service.test.admin, { email, reason: 'asked for it' });
const BLOCKED = {
  status: 'blocked',
  outcome: 'suppressed',
  sentAt: null,
  failure: { code: 'suppressed', message: expect.stringContaining('get no mail') },
};
const lastEvent = async (id: string) =>
  service.database.db.auditEvent.findFirst({ where: { subjectId: id }, orderBy: { position: 'desc' } });

it('nobody suppressed gets mail, be it before the submission, after it, or while the mail is claimed; everybody else does', async () => {
  await suppress('before@example.org');
  service.mail.behave({ delay: 4_000 }, 'slow@example.org');
  // The first conversation is the only one for as long as it takes: the others are claimed and wait.
  const slow = await service.submitDue('slow@example.org');
  const before = await service.submitDue('Before@Example.org');
  const after = await service.submitDue('after@bücher.example');
  const claimed = await service.submitDue('claimed@example.org');
  const other = await service.submitDue('other@example.org');
  expect([before.status, before.outcome]).toEqual(['approved', null]);
  await suppress('AFTER@xn--bcher-kva.example');
  // Waits for the slow one.
  service.startWorker({ SMTP_URL: service.mail.url });
  await until('the first is being sent, and the last is claimed', async () => {
    const row = await service.database.db.draft.findUniqueOrThrow({ where: { id: claimed.id } });
    return service.mail.begun.length === 1 && row.status === 'scheduled' && row.claimOwner;
  });
  await suppress('claimed@example.org');
  for (const { id } of [before, after, claimed]) {
    expect(await service.draftIn('blocked', id)).toMatchObject(BLOCKED);
    const row = await service.database.db.draft.findUniqueOrThrow({ where: { id } });
    expect(row).toMatchObject({ claimOwner: null, nextAttemptAt: null });
    expect(await timeline(service.database.db, id)).toEqual(['submitted', 'approved', 'released', 'blocked']);
    expect(await lastEvent(id)).toMatchObject({ type: 'draft.blocked', data: { code: 'suppressed' } });
  }
  for (const { id } of [slow, other]) await service.draftIn('sent', id);
  expect(service.mail.begun).toEqual(['slow@example.org', 'other@example.org']);
});

it('a process hears that its draft was blocked, and ends', async () => {
  await suppress('reviewed@example.org');
  const draft = await service.submitForReview('reviewed@example.org');
  await service.approve(draft);
  expect(await service.draftIn('blocked', draft.id)).toMatchObject(BLOCKED);
  expect(await service.temporal.client.workflow.getHandle(`draft-${draft.id}`).result()).toBe('blocked');
  expect(begunFor('reviewed@example.org')).toEqual([]);
});

it('a parked draft that was not sent after all is not sent to somebody suppressed since', async () => {
  service.mail.behave({ final: 'fin' }, 'parked@example.org');
  const draft = await service.submitDue('parked@example.org');
  await service.draftIn('failed', draft.id);
  service.mail.behave({}, 'parked@example.org');
  await suppress('parked@example.org');
  await service.test.commands.resolveDraft(service.approver, {
    id: draft.id,
    as: 'not_sent',
    reason: 'not in the log',
  });
  expect(await service.draftIn('blocked', draft.id)).toMatchObject(BLOCKED);
  expect(begunFor('parked@example.org')).toEqual(['parked@example.org']);
});

it('every mail tells its recipient how to unsubscribe, and whoever does gets no more, until an admin removes that', async () => {
  const one = await service.submitDue('Reader@example.org', { html: '<p>Hello</p>' });
  await service.draftIn('sent', one.id);
  const mail = service.mail.acceptedFor('Reader@example.org')[0];
  const head = mail?.bytes.toString('latin1').split('\r\n\r\n')[0] ?? '';
  const [, token = ''] =
    /^List-Unsubscribe: <https:\/\/mail\.example\/countersign\/unsubscribe\/([\w-]{64})>\r$/m.exec(head) ?? [];
  expect(head).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$/m);
  expect(token).not.toBe('');
  expect(head.match(/^List-Unsubscribe/gm)).toHaveLength(2);
  await service.test.commands.unsubscribe(service.test.admin, token);
  const two = await service.submitDue('reader@EXAMPLE.org');
  expect(await service.draftIn('blocked', two.id)).toMatchObject(BLOCKED);
  await service.test.commands.removeSuppression(service.test.admin, { email: 'reader@example.org' });
  const three = await service.submitDue('reader@example.org');
  await service.draftIn('sent', three.id);
  expect(begunFor('Reader@example.org', 'reader@EXAMPLE.org', 'reader@example.org')).toEqual([
    'Reader@example.org',
    'reader@example.org',
  ]);
});

it('neither the log nor a history names whom no mail was sent to', async () => {
  await suppress('zebrafinch@example.org');
  const draft = await service.submitDue('zebrafinch@example.org');
  await service.draftIn('blocked', draft.id);
  const [hash] = createSubjects(SETTINGS.SECRET_KEY).hashesOf('zebrafinch@example.org') as [Uint8Array];
  const [worker] = service.processes;
  const log = worker?.log ?? '';
  expect(log.length).toBeGreaterThan(100);
  for (const word of [
    'zebrafinch',
    Buffer.from(hash).toString('hex'),
    Buffer.from(hash).toString('base64url').slice(0, 40),
  ])
    expect(log).not.toContain(word);
});
