import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;

beforeAll(async () => {
  service = await TestService.create();
  service.runWorker();
});
afterAll(() => service?.close());

describe.each(['fin', 'rst', 'silence'] as const)('an answer after DATA that is lost (%s)', (fault) => {
  it('parks the draft, sends it never again by itself, and holds up no other', async () => {
    const to = `lost-by-${fault}@example.org`;
    service.mail.behave({ final: fault }, to);
    const draft = await service.submitDue(to);
    const others = await Promise.all(Array.from({ length: 5 }, (_, i) => service.submitDue(`after-${i}-${to}`)));
    const parked = await service.draftIn('failed', draft.id);
    expect(parked).toMatchObject({ outcome: 'unknown', failure: { code: 'outcome_unknown' } });
    service.mail.behave({}, to);
    for (const other of others) await service.draftIn('sent', other.id);
    // The lane has had work since, and time enough to take it again.
    const last = await service.submitDue(`last-${to}`);
    await service.draftIn('sent', last.id);
    expect(await service.draft(draft.id)).toEqual(parked);
    expect(service.mail.acceptedFor(to)).toHaveLength(1);
  });

  it('parks the draft where the connection broke in the middle of the message', async () => {
    const to = `midway-by-${fault}@example.org`;
    service.mail.behave({ midway: fault }, to);
    const draft = await service.submitDue(to, { body: 'A long story. '.repeat(20_000) });
    expect(await service.draftIn('failed', draft.id)).toMatchObject({ outcome: 'unknown' });
    expect(service.mail.acceptedFor(to)).toHaveLength(0);
  });
});

describe('a parked draft', () => {
  it('goes out once more, with the same Message-ID, when a person says that it was not sent', async () => {
    const to = 'resolved@example.org';
    service.mail.behave({ final: 'rst' }, to);
    const draft = await service.submitDue(to);
    const parked = await service.draftIn('failed', draft.id);
    service.mail.behave({}, to);
    await service.test.commands.resolveDraft(service.approver, {
      id: draft.id,
      as: 'not_sent',
      reason: 'not in their log',
    });
    const sent = await service.draftIn('sent', draft.id);
    expect(sent.messageId).toBe(parked.messageId);
    await until('both copies are counted', () => service.mail.acceptedFor(to).length === 2);
    expect(new Set(service.mail.acceptedFor(to).map(({ messageId }) => messageId)).size).toBe(1);
  });
});
