import type { DraftView } from '../../activities/commands/draft-view';
import { TestApi } from '../api/test-api';
import { timeline } from '../support/commands';
import { TestService } from '../support/service';
import { until, untilStill } from '../support/until';

let service: TestService;

beforeAll(async () => {
  service = await TestService.create({ environment: { UNDO_WINDOW_SECONDS: '2' } });
  service.runWorker();
});
afterAll(() => service?.close());

const processOf = (draft: DraftView) => service.temporal.client.workflow.getHandle(`draft-${draft.id}`);
const described = (draft: DraftView) =>
  until('the draft has a process', () =>
    processOf(draft)
      .describe()
      .catch(() => null),
  );
const running = (draft: DraftView) =>
  until('its process runs', async () => {
    const description = await described(draft);
    return description.status.name === 'RUNNING' && description;
  });

/** Longer than the lane, which looks each second, lets a mail wait that is due. */
const nothingLeaves = () => untilStill('no mail leaves', () => service.mail.accepted.length);

describe('a draft that needs people', () => {
  it('goes out once, after the decision and the undo window, and its process ends', async () => {
    const draft = await service.submitForReview('approved@example.org');
    const description = await running(draft);
    expect(description.searchAttributes.DraftStatus).toEqual(['pending_review']);
    const approved = await service.approve(draft);
    const scheduled = await service.draftIn('scheduled', draft.id);
    expect(Date.parse(scheduled.dueAt as string) - Date.parse(approved.updatedAt)).toBeGreaterThanOrEqual(2000);
    const sent = await service.draftIn('sent', draft.id);
    expect(Date.parse(sent.sentAt as string)).toBeGreaterThanOrEqual(Date.parse(scheduled.dueAt as string));
    expect(await processOf(draft).result()).toBe('sent');
    expect(service.mail.acceptedFor('approved@example.org')).toHaveLength(1);
    expect(await timeline(service.database.db, draft.id)).toEqual(['submitted', 'approved', 'released', 'sent']);
    await until('its message is delivered and gone', async () => {
      const left = await service.database.db.outboxMessage.count({ where: { entityId: draft.id } });
      return left === 0;
    });
  });

  it('never goes out when its process was terminated before the release', async () => {
    const draft = await service.submitForReview('terminated@example.org');
    await running(draft);
    await processOf(draft).terminate('by an operator');
    await service.approve(draft);
    await until('the message about the approval counts as delivered', async () => {
      const left = await service.database.db.outboxMessage.count({ where: { entityId: draft.id } });
      return left === 0;
    });
    const later = await service.submitForReview('later@example.org');
    await service.approve(later);
    await service.draftIn('sent', later.id);
    expect(await service.draft(draft.id)).toMatchObject({ status: 'approved', dueAt: null });
    expect(service.mail.acceptedFor('terminated@example.org')).toEqual([]);
  });

  it('can be taken back within the undo window', async () => {
    const draft = await service.submitForReview('undone@example.org');
    await service.approve(draft);
    await service.draftIn('scheduled', draft.id);
    await service.test.commands.withdrawDraft(service.author, { id: draft.id });
    await until('its process ends', async () => {
      const description = await processOf(draft).describe();
      return description.status.name === 'COMPLETED';
    });
    expect(await processOf(draft).result()).toBe('withdrawn');
    // It is due after the one that was taken back would have been.
    const later = await service.submitForReview('after-undo@example.org');
    await service.approve(later);
    await service.draftIn('sent', later.id);
    expect(service.mail.acceptedFor('undone@example.org')).toEqual([]);
  });

  it('ends its process when it is rejected', async () => {
    const draft = await service.submitForReview('rejected@example.org');
    await service.test.commands.rejectDraft(service.approver, { id: draft.id, reason: 'no' });
    await described(draft);
    expect(await processOf(draft).result()).toBe('rejected');
  });
});

describe('a lane that is paused', () => {
  it('sends nothing until it is resumed', async () => {
    const api = await TestApi.create({ database: service.database, temporal: service.temporal });
    const isPaused = async () => (await api.anyone.get('/api/circuit-breakers/status')).body.breakers.email.paused;
    const act = (name: string) => api.admin.post(`/api/circuit-breakers/${name}/email`).send({ reason: 'maintenance' });
    expect((await act('pause')).status).toBe(200);
    await until('it says so', async () => (await isPaused()) === true);
    await until('no activity runs', async () => {
      const { raw } = await service.lane.describe();
      return (raw.pendingActivities ?? []).length === 0;
    });
    const draft = await service.submitDue('paused@example.org', {
      sendAt: new Date(Date.now() - 60_000).toISOString(),
    });
    await until('it is due', async () => Date.parse((await service.draft(draft.id)).dueAt as string) < Date.now());
    await nothingLeaves();
    expect(service.mail.acceptedFor('paused@example.org')).toEqual([]);
    expect((await act('resume')).status).toBe(200);
    await service.draftIn('sent', draft.id);
    await until('it works again', async () => (await isPaused()) === false);
    await api.close();
  });
});

describe('a lane that is held', () => {
  it('sends nothing, even without a signal, until it is let go', async () => {
    const hold = (held: boolean) => service.database.db.lane.update({ where: { name: 'email' }, data: { held } });
    await hold(true);
    const draft = await service.submitDue('held@example.org');
    await until('it is due', async () => Date.parse((await service.draft(draft.id)).dueAt as string) < Date.now());
    await nothingLeaves();
    expect(service.mail.acceptedFor('held@example.org')).toEqual([]);
    await hold(false);
    await service.draftIn('sent', draft.id);
  });
});
