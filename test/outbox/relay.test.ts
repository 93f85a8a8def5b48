// What nobody told, because a process ended in between or Temporal was away, comes all the same.
import { draftApprovalId, state } from '../../workflows/contracts/draft-approval';
import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;

beforeAll(async () => {
  service = await TestService.create({ tells: false });
  service.runWorker();
});
afterAll(() => service?.close());

const processOf = (id: string) => service.temporal.client.workflow.getHandle(draftApprovalId(id));
const outbox = (entityId: string) => service.database.db.outboxMessage.findMany({ where: { entityId } });
const isDelivered = (id: string) => until('its message is delivered', async () => (await outbox(id)).length === 0);

describe('a message that stayed in the outbox', () => {
  it('is delivered by the relay’s own look, and starts its process', async () => {
    const { id } = await service.submitForReview('first@example.org');
    await isDelivered(id);
    expect(await processOf(id).query(state)).toMatchObject({ status: 'pending_review', version: 1 });
  });

  it('leaves time for a decision right after: one message starts the process and tells the decision', async () => {
    const draft = await service.submitForReview('quick@example.org');
    await service.approve(draft);
    await service.draftIn('sent', draft.id);
    await isDelivered(draft.id);
    expect(await processOf(draft.id).result()).toBe('sent');
    const { events } = await processOf(draft.id).fetchHistory();
    const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes) ?? [];
    expect(signals).toHaveLength(1);
    // It has watched its mail leave.
    expect(events?.filter((event) => event.workflowTaskCompletedEventAttributes)).toHaveLength(1);
  });

  it('carries the newest state of its draft, whatever came in between', async () => {
    const draft = await service.submitForReview('newest@example.org');
    await service.test.commands.requestChanges(service.approver, { id: draft.id, comment: 'shorter' });
    const revised = await service.test.commands.reviseDraft(service.author, { id: draft.id, revision: 1, body: 'Hm.' });
    await isDelivered(draft.id);
    expect(await processOf(draft.id).query(state)).toMatchObject({ status: 'pending_review', version: 3, revision: 2 });
    await service.approve(revised);
    await service.draftIn('sent', draft.id);
    expect(service.mail.acceptedFor('newest@example.org')).toHaveLength(1);
  });

  it('stays while the relay is held, and goes when it is let go', async () => {
    const hold = (held: boolean) => service.database.db.lane.update({ where: { name: 'relay' }, data: { held } });
    await hold(true);
    const { id } = await service.submitForReview('held@example.org');
    const due = await service.submitDue('meanwhile@example.org');
    await service.draftIn('sent', due.id);
    expect(await outbox(id)).toHaveLength(1);
    await hold(false);
    await isDelivered(id);
  });
});
