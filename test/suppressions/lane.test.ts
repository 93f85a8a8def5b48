// What becomes of mail to a suppressed address, with a real worker and a real mail server.
import { createSubjects } from '../../activities/personal-data/subject';
import { SETTINGS, timeline } from '../support/commands';
import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;
beforeEach(async () => {
  service = await TestService.create({ environment: { PUBLIC_URL: 'https://mail.example/countersign/' } });
});
afterEach(() => service?.close());

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

it('nobody suppressed gets mail, whether before or after the submission; everybody else does', async () => {
  await suppress('before@example.org');
  const [before, after, other] = [
    await service.submitDue('Before@Example.org'),
    await service.submitDue('after@bücher.example'),
    await service.submitDue('other@example.org'),
  ];
  expect([before.status, before.outcome]).toEqual(['approved', null]);
  await suppress('AFTER@xn--bcher-kva.example');
  service.startWorker();
  expect(await service.draftIn('blocked', before.id)).toMatchObject(BLOCKED);
  expect(await service.draftIn('blocked', after.id)).toMatchObject(BLOCKED);
  await service.draftIn('sent', other.id);
  expect(service.mail.accepted.map(({ recipient }) => recipient)).toEqual(['other@example.org']);
  expect(service.mail.begun).toEqual(['other@example.org']);
  expect(await timeline(service.database.db, before.id)).toEqual(['submitted', 'approved', 'released', 'blocked']);
  expect(await lastEvent(before.id)).toMatchObject({ type: 'draft.blocked', data: { code: 'suppressed' } });
  const row = await service.database.db.draft.findUniqueOrThrow({ where: { id: before.id } });
  expect(row).toMatchObject({ claimOwner: null, nextAttemptAt: null });
});

it('who is suppressed while their mail is claimed and waits for a connection gets none', async () => {
  service.mail.behave({ delay: 1500 }, 'first@example.org');
  const first = await service.submitDue('first@example.org');
  const second = await service.submitDue('second@example.org');
  const third = await service.submitDue('third@example.org');
  service.startWorker();
  await until('the first is being sent, and the others are claimed', async () => {
    const rows = await service.database.db.draft.findMany({ where: { id: { in: [second.id, third.id] } } });
    return service.mail.begun.length === 1 && rows.every((row) => row.status === 'scheduled' && row.claimOwner);
  });
  await suppress('second@example.org');
  expect(await service.draftIn('blocked', second.id)).toMatchObject(BLOCKED);
  await service.draftIn('sent', first.id);
  await service.draftIn('sent', third.id);
  expect(service.mail.begun.sort()).toEqual(['first@example.org', 'third@example.org']);
});

it('a process hears that its draft was blocked, and ends', async () => {
  await suppress('reviewed@example.org');
  service.startWorker();
  const draft = await service.submitForReview('reviewed@example.org');
  await service.approve(draft);
  expect(await service.draftIn('blocked', draft.id)).toMatchObject(BLOCKED);
  expect(await service.temporal.client.workflow.getHandle(`draft-${draft.id}`).result()).toBe('blocked');
  expect(service.mail.begun).toEqual([]);
});

it('a parked draft that was not sent after all is not sent to somebody suppressed since', async () => {
  service.mail.behave({ final: 'fin' }, 'parked@example.org');
  service.startWorker();
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
  expect(service.mail.begun).toEqual(['parked@example.org']);
});

it('every mail tells its recipient how to unsubscribe, and whoever does gets no more, until an admin removes that', async () => {
  service.startWorker();
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
  expect(service.mail.begun).toHaveLength(2);
});

it('neither the log nor a history names whom no mail was sent to', async () => {
  await suppress('zebrafinch@example.org');
  const worker = service.startWorker({ LOG_LEVEL: 'trace' });
  const draft = await service.submitDue('zebrafinch@example.org');
  await service.draftIn('blocked', draft.id);
  const [hash] = createSubjects(SETTINGS.SECRET_KEY).hashesOf('zebrafinch@example.org') as [Uint8Array];
  expect(worker.log.length).toBeGreaterThan(100);
  for (const word of [
    'zebrafinch',
    Buffer.from(hash).toString('hex'),
    Buffer.from(hash).toString('base64url').slice(0, 40),
  ])
    expect(worker.log).not.toContain(word);
});
