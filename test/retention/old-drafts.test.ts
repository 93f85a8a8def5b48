import { createHash } from 'node:crypto';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { attachmentKey, sweepUnusedAttachments } from '../../activities/attachments';
import { readStatistics } from '../../activities/personal-data/statistics';
import { openObjectStore } from '../../ops/runtime/object-store';
import { createTestCommands, refusalOf, type TestCommands, timeline } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import {
  carryOut,
  daysAgo,
  eraseStretch,
  everythingOf,
  hashOf,
  type Planted,
  plantDraft,
  plantPeople,
} from '../support/old-drafts';
import { until } from '../support/until';

let database: TestDatabase;
let test: TestCommands;
beforeEach(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db);
  await plantPeople(database.db);
});
afterEach(() => database?.drop());

const start = (olderThanDays = 90) => test.commands.startCleanup(test.admin, { olderThanDays });
const plant = (given?: Planted) => plantDraft(database.db, given);
const statusOf = async (id: string) => (await everythingOf(database.db, id)).status;
const run = (id: string) => database.db.cleanup.findUniqueOrThrow({ where: { id } });
async function hold(hold: { draftId?: string; address?: string; until?: Date; releasedAt?: Date }) {
  const { draftId, address, until, releasedAt } = hold;
  await database.db.legalHold.create({
    data: {
      id: uuidv7(),
      reason: 'a lawsuit',
      createdBy: test.admin.actor.id,
      createdAt: new Date(),
      ...(draftId ? { draftId } : {}),
      ...(address ? { subjectHashes: [hashOf(address)] } : {}),
      ...(until ? { until } : {}),
      ...(releasedAt ? { releasedAt } : {}),
    },
  });
}

describe('a run of retention', () => {
  it('takes what is a second too old, and leaves what is not', async () => {
    const cleanup = await start();
    const { before } = await run(cleanup);
    const at = (offset: number) => plant({ createdAt: new Date(before.getTime() + offset) });
    const [older, just, younger] = [await at(-1000), await at(0), await at(1000)];
    const survivors = [await everythingOf(database.db, just), await everythingOf(database.db, younger)];
    expect(await carryOut(database.db, cleanup)).toEqual({ status: 'done', drafts: 1, held: 0 });
    expect(await statusOf(older)).toBe('erased');
    expect([await everythingOf(database.db, just), await everythingOf(database.db, younger)]).toEqual(survivors);
    expect(before.getTime()).toBeLessThanOrEqual(daysAgo(90).getTime());
    expect(before.getTime()).toBeGreaterThan(daysAgo(90).getTime() - 60_000);
  });

  it.each([
    ['rejected', null, true],
    ['expired', null, true],
    ['withdrawn', null, true],
    ['sent', 'delivered', true],
    ['blocked', 'suppressed', true],
    ['failed', 'refused', true],
    ['failed', null, true],
    ['failed', 'unknown', false],
    ['pending_review', null, false],
    ['changes_requested', null, false],
    ['approved', null, false],
    ['scheduled', null, false],
    ['sending', null, false],
  ])('of a draft that is %s (%s): goes is %s', async (status, outcome, goes) => {
    const id = await plant({ status, outcome });
    const before = await everythingOf(database.db, id);
    expect(await carryOut(database.db, await start())).toEqual({ status: 'done', drafts: goes ? 1 : 0, held: 0 });
    const after = await everythingOf(database.db, id);
    if (goes) expect([after.status, after.finalStatus]).toEqual(['erased', status]);
    else expect(after).toEqual(before);
  });

  it('leaves no word and no address of what it takes, but its row for the statistics and its timeline', async () => {
    const id = await plant({ to: 'ada@example.org', campaign: 'spring' });
    await carryOut(database.db, await start());
    const left = await everythingOf(database.db, id);
    expect(left).toMatchObject({ status: 'erased', finalStatus: 'sent', outcome: 'delivered', campaign: 'spring' });
    expect(left).toMatchObject({ revisions: [], notes: [], attachments: [], verdicts: [{ comment: null }] });
    expect(JSON.stringify(left)).not.toMatch(/example\.org|minutes|As said|remark/);
    expect(left.recipientHashes).toEqual([]);
    expect(await timeline(database.db, id)).toEqual(['erased']);
  });

  it('leaves what is under a hold, of the draft or of the person, and counts it', async () => {
    const [byDraft, byPerson, freed, lapsed, other] = [
      await plant(),
      await plant({ to: 'held@example.org' }),
      await plant(),
      await plant(),
      await plant({ to: 'other@example.org' }),
    ];
    await hold({ draftId: byDraft });
    await hold({ address: 'held@example.org', until: daysAgo(-1) });
    await hold({ draftId: freed, releasedAt: new Date() });
    await hold({ draftId: lapsed, until: daysAgo(1) });
    expect(await test.commands.previewCleanup({ olderThanDays: 90 })).toEqual({ drafts: 3, held: 2 });
    expect(await carryOut(database.db, await start())).toEqual({ status: 'done', drafts: 3, held: 2 });
    const states = await Promise.all([byDraft, byPerson, freed, lapsed, other].map(statusOf));
    expect(states).toEqual(['sent', 'sent', 'erased', 'erased', 'erased']);
  });

  it('waits for a hold that is being made, and respects it', async () => {
    const [draft, other] = [await plant(), await plant()];
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO legal_holds (id, draft_id, reason, created_by, created_at) VALUES (gen_random_uuid(), $1, 'a lawsuit', $2, now())`,
      [draft, test.admin.actor.id],
    );
    const done = carryOut(database.db, await start());
    await until('the batch waits', async () => {
      const { rows } = await client.query('SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass', [
        'legal_holds',
      ]);
      return rows.length > 0;
    });
    await client.query('COMMIT');
    await client.end();
    expect(await done).toEqual({ status: 'done', drafts: 1, held: 1 });
    expect([await statusOf(draft), await statusOf(other)]).toEqual(['sent', 'erased']);
  });

  it('passes over what somebody has locked, says so, and the next run takes it', async () => {
    const [locked, free] = [await plant(), await plant()];
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM drafts WHERE id = $1 FOR UPDATE', [locked]);
    const first = await start();
    expect(await carryOut(database.db, first)).toMatchObject({ status: 'partial', drafts: 1 });
    expect(await run(first)).toMatchObject({ reason: 'locked', active: null });
    expect([await statusOf(locked), await statusOf(free)]).toEqual(['sent', 'erased']);
    await client.query('COMMIT');
    await client.end();
    expect(await carryOut(database.db, await start())).toEqual({ status: 'done', drafts: 1, held: 0 });
    expect(await statusOf(locked)).toBe('erased');
  });

  it('takes in its second pass what was locked in the first', async () => {
    const locked = await plant();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM drafts WHERE id = $1 FOR UPDATE', [locked]);
    const cleanup = await start();
    expect((await eraseStretch(database.db, cleanup)).end).toBe('some_left');
    await client.query('ROLLBACK');
    await client.end();
    expect(await carryOut(database.db, cleanup)).toEqual({ status: 'done', drafts: 1, held: 0 });
  });

  it('goes through many batches, each draft once, whatever share is held', async () => {
    const address = 'held@example.org';
    await database.db.$executeRaw`
      INSERT INTO drafts (id, status, author_id, "to", recipient_hashes, decision, created_at, updated_at, needs_people)
      SELECT gen_random_uuid(), 'sent', ${'0197a000-0000-7000-8000-0000000000aa'}::uuid, 'x@example.org',
        CASE WHEN i % 3 = 0 THEN ARRAY[${hashOf(address)}::bytea] ELSE '{}' END, '{}',
        date_trunc('milliseconds', now() - interval '100 days' - (i / 50) * interval '1 second'), now(), false
      FROM generate_series(1, 2600) i`;
    await hold({ address });
    const preview = await test.commands.previewCleanup({ olderThanDays: 90 });
    expect(preview).toEqual({ drafts: 1734, held: 866 });
    const rows = () => database.db.$queryRaw`SELECT id, version, status FROM drafts ORDER BY id`;
    const before = await rows();
    await test.commands.previewCleanup({ olderThanDays: 90 });
    expect(await rows()).toEqual(before);
    expect(await carryOut(database.db, await start())).toEqual({ status: 'done', ...preview });
    expect(await database.db.draft.count({ where: { status: 'erased', version: 2 } })).toBe(1734);
    expect(await database.db.draft.count({ where: { status: 'sent', version: 1 } })).toBe(866);
    expect(await database.db.auditEvent.count({ where: { type: 'draft.erased' } })).toBe(1734);
  });

  it('keeps a file that a younger draft names too, and lets the others go to the sweep', async () => {
    const files = openObjectStore(`file://${newFolder('retention-files')}`);
    const store = async (content: string) => {
      const sha256 = createHash('sha256').update(content).digest('hex');
      await files.put(attachmentKey(sha256), Buffer.from(content));
      const id = uuidv7();
      await database.db.attachment.create({
        data: {
          id,
          uploaderId: test.admin.actor.id,
          name: 'a.txt',
          type: 'text/plain',
          size: content.length,
          sha256,
          createdAt: daysAgo(100),
        },
      });
      return { id, key: attachmentKey(sha256) };
    };
    const [shared, own] = [await store('shared'), await store('of the old one')];
    await plant({ attachmentId: own.id });
    await plant({ attachmentId: shared.id });
    const young = await plant({ attachmentId: shared.id, createdAt: daysAgo(1) });
    const before = await everythingOf(database.db, young);
    await carryOut(database.db, await start());
    await sweepUnusedAttachments(database.db, files, daysAgo(1));
    expect(await everythingOf(database.db, young)).toEqual(before);
    expect([await files.has(shared.key), await files.has(own.key)]).toEqual([true, false]);
  });

  it('is one at a time, until it ends or has given no sign of life for an hour', async () => {
    const first = await start();
    expect(await refusalOf(start())).toBe('cleanup_running');
    const silentFor = (minutes: number) =>
      database.db.cleanup.update({
        where: { id: first },
        data: { updatedAt: new Date(Date.now() - minutes * 60_000) },
      });
    await silentFor(59);
    expect(await refusalOf(start())).toBe('cleanup_running');
    await silentFor(61);
    const second = await start();
    expect(await run(first)).toMatchObject({ status: 'failed', reason: 'abandoned', active: null });
    // Should it wake, it does nothing any more.
    await plant();
    await carryOut(database.db, first);
    expect(await run(first)).toMatchObject({ status: 'failed', removed: 0 });
    expect(await carryOut(database.db, second)).toMatchObject({ status: 'done', drafts: 1 });
    expect(await timeline(database.db, second)).toEqual(['retention.requested', 'retention.finished']);
    await start();
  });

  it('that ten ask for at once is one', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => start()));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('changes no number of the statistics', async () => {
    const kinds = ['rejected', 'expired', 'sent', 'failed', 'blocked', 'pending_review', 'scheduled'];
    for (let i = 0; i < 70; i++) {
      await plant({
        status: kinds[i % kinds.length] as string,
        createdAt: daysAgo(60 + i),
        campaign: ['spring', 'autumn', null][i % 3] as string | null,
        verdict: i % 2 ? 'approve' : 'reject',
        decidedAfterMs: i * 1234,
      });
    }
    const before = await readStatistics(database.db);
    expect(before.drafts.reduce((sum, { count }) => sum + count, 0)).toBe(70);
    expect(before.sends).toHaveLength(10);
    expect(before.timesToDecision.length).toBeGreaterThan(30);
    const { drafts = 0 } = (await carryOut(database.db, await start())) ?? {};
    expect(drafts).toBeGreaterThan(20);
    expect(await readStatistics(database.db)).toEqual(before);
  });
});
