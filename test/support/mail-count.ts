// After every trouble: no mail lost, none sent twice.
import { isLongRun } from './servers';
import type { TestService } from './service';
import { until } from './until';

/** Waits until every draft is sent or parked, and gives the parked ones. */
export async function everyDraftEnds(service: TestService, withinMs = isLongRun ? 600_000 : 90_000) {
  const { db } = service.database;
  await until(
    'every draft is sent or parked',
    async () => {
      const left = await db.draft.count({
        where: { NOT: [{ status: 'sent' }, { status: 'failed', outcome: 'unknown' }] },
      });
      return left === 0;
    },
    withinMs,
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}; there are ${JSON.stringify(await service.tally())}`);
  });
  return db.draft.findMany({ where: { status: 'failed' } });
}

/** Each draft's mail was accepted at most once, and each draft that counts as sent exactly once. */
export async function expectEachMailOnce(service: TestService): Promise<void> {
  expect(service.mail.repeated).toEqual([]);
  const accepted = new Set(service.mail.accepted.map(({ messageId }) => messageId));
  const sent = await service.database.db.draft.findMany({ where: { status: 'sent' }, select: { messageId: true } });
  expect(sent.filter(({ messageId }) => !accepted.has(messageId as string))).toEqual([]);
}
