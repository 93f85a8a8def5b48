import { eraseDrafts } from '../../activities/personal-data/erase-drafts';
import { readStatistics } from '../../activities/personal-data/statistics';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { AUTHOR, plantDraft, plantPeople } from '../support/old-drafts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await plantPeople(database.db);
});
afterEach(() => database?.drop());

describe('the statistics', () => {
  it('count drafts, decisions and sends by day of UTC, campaign and author, and the times between', async () => {
    const createdAt = new Date('2026-03-01T23:59:00Z');
    const first = { createdAt, campaign: 'spring', decidedAfterMs: 30_000 };
    await plantDraft(database.db, first);
    await plantDraft(database.db, { ...first, decidedAfterMs: 90_000 });
    await plantDraft(database.db, { createdAt, status: 'rejected', verdict: 'reject', decidedAfterMs: 30_000 });
    const group = (day: string, campaign: string | null, count: number) => ({ day, campaign, authorId: AUTHOR, count });
    const times = (seconds: number) => ({ medianSeconds: seconds, p90Seconds: seconds, longestSeconds: seconds });
    expect(await readStatistics(database.db)).toEqual({
      drafts: [
        { ...group('2026-03-01', 'spring', 2), status: 'sent', outcome: 'delivered' },
        { ...group('2026-03-01', null, 1), status: 'rejected', outcome: null },
      ],
      decisions: [
        { ...group('2026-03-01', 'spring', 1), verdict: 'approve' },
        { ...group('2026-03-01', null, 1), verdict: 'reject' },
        { ...group('2026-03-02', 'spring', 1), verdict: 'approve' },
      ],
      sends: [
        { ...group('2026-03-01', 'spring', 1), outcome: 'delivered' },
        { ...group('2026-03-02', 'spring', 1), outcome: 'delivered' },
      ],
      timesToDecision: [
        { ...group('2026-03-01', 'spring', 1), ...times(30) },
        { ...group('2026-03-01', null, 1), ...times(30) },
        { ...group('2026-03-02', 'spring', 1), ...times(90) },
      ],
    });
  });

  it('are the same whichever drafts are erased', async () => {
    const kinds = [
      'sent',
      'rejected',
      'pending_review',
      'changes_requested',
      'approved',
      'scheduled',
      'sending',
      'failed',
    ];
    const ids: string[] = [];
    for (const [i, status] of [...kinds, ...kinds, ...kinds].entries()) {
      ids.push(await plantDraft(database.db, { status, campaign: `c${i % 2}`, decidedAfterMs: i * 77_777 }));
    }
    const before = await readStatistics(database.db);
    for (const share of [5, 3, 2, 1]) {
      await eraseDrafts(
        database.db,
        ids.filter((_, i) => i % share === 0),
        'erasure',
      );
      expect(await readStatistics(database.db)).toEqual(before);
    }
    // One whose conversation is open never goes.
    expect(await database.db.draft.groupBy({ by: ['status'], _count: true, orderBy: { status: 'asc' } })).toEqual([
      { status: 'erased', _count: 21 },
      { status: 'sending', _count: 3 },
    ]);
  });
});
