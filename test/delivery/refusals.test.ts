import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;

beforeAll(async () => {
  service = await TestService.create();
  service.runWorker();
});
afterAll(() => service?.close());

const attemptsOf = async (id: string) =>
  (await service.database.db.draft.findUniqueOrThrow({ where: { id } })).attempts;

describe('a mail server that refuses one mail', () => {
  it.each([
    ['the recipient', { rcpt: { code: 550 } }, 'smtp_550'],
    ['the DATA command', { data: { code: 554 } }, 'smtp_554'],
    ['the whole message', { final: { code: 552 } }, 'smtp_552'],
  ])('for good, by refusing %s, fails that draft alone', async (_, behaviour, code) => {
    const to = `${code}@example.org`;
    service.mail.behave(behaviour, to);
    const draft = await service.submitDue(to);
    const neighbour = await service.submitDue(`neighbour-of-${code}@example.org`);
    expect(await service.draftIn('failed', draft.id)).toMatchObject({ outcome: 'refused', failure: { code } });
    expect(await service.draftIn('sent', neighbour.id)).toMatchObject({ outcome: 'delivered' });
    expect(service.mail.acceptedFor(to)).toEqual([]);
  });

  it.each([
    ['the recipient', { rcpt: { code: 450 } }],
    ['the DATA command', { data: { code: 451 } }],
    ['the whole message', { final: { code: 452 } }],
  ])('for now, by refusing %s, has it tried again later by itself, while others go on', async (what, behaviour) => {
    const to = `later-${what.replaceAll(' ', '-')}@example.org`;
    service.mail.behave(behaviour, to);
    const draft = await service.submitDue(to);
    const others = await Promise.all(Array.from({ length: 5 }, (_, i) => service.submitDue(`other-${i}-${to}`)));
    for (const other of others) await service.draftIn('sent', other.id);
    await until('the draft has been tried', async () => (await attemptsOf(draft.id)) >= 1);
    const waiting = await service.draft(draft.id);
    expect(waiting).toMatchObject({ status: 'scheduled', outcome: null });
    const row = await service.database.db.draft.findUniqueOrThrow({ where: { id: draft.id } });
    expect(row.nextAttemptAt?.getTime()).toBeGreaterThan(row.updatedAt.getTime());
    // The time comes sooner for this test.
    service.mail.behave({}, to);
    await service.database.db.draft.update({ where: { id: draft.id }, data: { nextAttemptAt: new Date() } });
    const sent = await service.draftIn('sent', draft.id);
    expect(sent).toMatchObject({ outcome: 'delivered', failure: null });
    expect(service.mail.acceptedFor(to).map(({ messageId }) => messageId)).toEqual([sent.messageId]);
  });
});

describe('a mail at which the server breaks off the connection', () => {
  it('waits for itself the second time, so that all others go on', async () => {
    service.mail.behave({ rcpt: 'fin' }, 'breaks@example.org');
    const draft = await service.submitDue('breaks@example.org');
    const others = await Promise.all(Array.from({ length: 5 }, (_, i) => service.submitDue(`passes-${i}@example.org`)));
    for (const other of others) await service.draftIn('sent', other.id);
    await until('it has been tried twice', async () => (await attemptsOf(draft.id)) === 2);
    const row = await service.database.db.draft.findUniqueOrThrow({ where: { id: draft.id } });
    expect(row).toMatchObject({ status: 'scheduled', failureCode: 'connection_lost' });
    expect((row.nextAttemptAt as Date).getTime() - Date.now()).toBeGreaterThan(60_000);
    const later = await service.submitDue('passes-later@example.org');
    await service.draftIn('sent', later.id);
    await until('the service counts as well again', async () => {
      const lane = await service.database.db.lane.findUniqueOrThrow({ where: { name: 'email' } });
      return lane.failures === 0;
    });
    expect(service.mail.acceptedFor('breaks@example.org')).toEqual([]);
  });
});

describe('a mail that is refused for now, over and over', () => {
  it('is given up after its last attempt', async () => {
    service.mail.behave({ rcpt: { code: 450 } }, 'never@example.org');
    const draft = await service.submitDue('never@example.org', { sendAt: new Date(Date.now() + 1_000).toISOString() });
    await service.database.db.draft.update({ where: { id: draft.id }, data: { attempts: 53 } });
    const failed = await service.draftIn('failed', draft.id);
    expect(failed).toMatchObject({ outcome: 'refused', failure: { code: 'gave_up' } });
  });
});
