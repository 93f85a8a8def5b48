// Refusals leave a bounded number of events, however often somebody is refused.
import { recordCounts } from '../../activities/commands/refusals';
import { TestService } from '../support/service';
import { until } from '../support/until';

let service: TestService;
beforeAll(async () => {
  service = await TestService.create();
});
afterAll(() => service.close());

const UNKNOWN = '01a20d18-0000-7000-8000-000000000000';
/** Returns the events of the refusals so far, the oldest first. */
const events = () =>
  service.database.db.auditEvent.findMany({
    where: { type: { in: ['draft.refused', 'refusals.counted'] } },
    orderBy: { position: 'asc' },
  });
const passMinute = () => service.database.pool.query(`UPDATE refusal_counts SET minute = minute - interval '1 minute'`);

it('writes 200 equal refusals as two events: the first, and the number of the others', async () => {
  const { approveDraft, rejectDraft } = service.test.commands;
  const refused = await Promise.allSettled(
    Array.from({ length: 200 }, () => approveDraft(service.approver, { id: UNKNOWN, revision: 1 })),
  );
  expect(refused.filter(({ status }) => status === 'rejected')).toHaveLength(200);
  const counts = await service.database.db.refusalCount.findMany();
  expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(200);
  expect(await events()).toHaveLength(counts.length);

  // Another actor and another code are refused by themselves.
  await expect(rejectDraft(service.author, { id: UNKNOWN, reason: 'no' })).rejects.toThrow();
  const own = await service.submitForReview('reader@example.org');
  await expect(approveDraft(service.author, { id: own.id, revision: 1 })).rejects.toThrow();
  expect(await events()).toHaveLength(counts.length + 2);
});

it('records the count once the minute is over, once, whichever worker does it', async () => {
  const { db } = service.database;
  const before = await events();
  const counts = (await db.refusalCount.findMany()).filter(({ count }) => count > 1);
  const further = counts.reduce((sum, { count }) => sum + count - 1, 0);
  await passMinute();
  await Promise.all([1, 2, 3].map(() => recordCounts(db)));
  const added = (await events()).slice(before.length);
  expect(added).toHaveLength(counts.length);
  expect(added[0]).toMatchObject({
    type: 'refusals.counted',
    actorId: service.approver.actor.id,
    data: {
      refusal: 'draft.refused',
      code: 'not_found',
      minute: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/),
    },
  });
  expect(added.reduce((sum, { data }) => sum + (data as { further: number }).further, 0)).toBe(further);
  expect(await db.refusalCount.count()).toBe(0);
});

it('a worker records it by itself', async () => {
  const { approveDraft } = service.test.commands;
  for (let n = 0; n < 3; n++) {
    await expect(approveDraft(service.approver, { id: UNKNOWN, revision: 1 })).rejects.toThrow();
  }
  await passMinute();
  const before = (await events()).length;
  service.runWorker();
  await until('the count is in the trail', async () => (await events()).length > before);
});
