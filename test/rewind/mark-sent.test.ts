// What the lane had claimed after the restored moment is not sent again by itself, wherever that is written.
import { randomUUID } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { archiveRun, journalKey } from '../../activities/lane/journal';
import { laneId } from '../../workflows/contracts/lane';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { collect } from '../support/collect';
import { timeline } from '../support/commands';
import { oneOf } from '../support/one-of';
import { TestService } from '../support/service';
import { createTestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { RewoundService } from './rewound-service';

let old: TestService;
let restored: RewoundService | null = null;

beforeEach(async () => {
  old = await TestService.create();
});
afterEach(async () => {
  await old.endWorkers();
  await restored?.close();
  restored = null;
  await old.close();
});

const cut = async () => {
  restored = await RewoundService.cut(old);
  return restored;
};
const told = (service: TestService) =>
  until('Temporal has been told of all', async () => {
    const { temporalNamespaceId } = await service.database.db.instance.findUniqueOrThrow({ where: { id: 1 } });
    return temporalNamespaceId !== null;
  });
const row = (id: string) => (restored as RewoundService).db.draft.findUnique({ where: { id } });
const PARKED = { status: 'failed', outcome: 'unknown', failureCode: 'rewound', claimOwner: null, nextAttemptAt: null };

const markedOnce = oneOf(3);
markedOnce('parks what the open run has claimed since, and only that; counts what is not there', async () => {
  old.runWorker();
  await told(old);
  const before = await old.submitDue('before@example.org');
  await old.draftIn('sent', before.id);
  const waiting = await old.submitForReview('waiting@example.org');
  const untouched = await old.submitForReview('untouched@example.org');
  const later = await old.submitDue('later@example.org', { sendAt: new Date(Date.now() + 3_600_000).toISOString() });
  const { db } = await cut();
  const after = await old.submitDue('after@example.org');
  await old.draftIn('sent', after.id);
  await old.approve(waiting);
  await old.draftIn('sent', waiting.id);

  await restored?.begin();
  expect(await restored?.mark()).toEqual({ complete: true, parked: 1, missing: 1 });
  expect(await row(waiting.id)).toMatchObject(PARKED);
  expect(await timeline(db, waiting.id)).toEqual(['submitted', 'parked']);
  expect((await row(before.id))?.status).toBe('sent');
  expect((await row(untouched.id))?.status).toBe('pending_review');
  expect((await row(later.id))?.status).toBe('scheduled');
  expect(await restored?.mark()).toEqual({ complete: true, parked: 0, missing: 1 });
  const { runId } = await old.lane.describe();
  expect(await db.lane.findUnique({ where: { name: 'email' } })).toMatchObject({ held: true, journalRun: runId });
});

markedOnce(
  'parks what earlier runs have claimed, from their objects, and from Temporal where nobody has archived them',
  async () => {
    old.runWorker();
    await told(old);
    const drafts = [await old.submitForReview('first@example.org'), await old.submitForReview('second@example.org')];
    await cut();
    for (const draft of drafts) {
      await old.approve(draft);
      await old.draftIn('sent', draft.id);
      await old.endWorkers();
      if (draft === drafts[0]) old.runWorker();
    }
    const { backups } = (restored as RewoundService).sources;
    const runId = await endRun();
    expect(await collect(backups.list('journal/'))).toHaveLength(1);

    await restored?.begin();
    expect(await restored?.mark()).toEqual({ complete: true, parked: 2, missing: 0 });
    for (const { id } of drafts) expect(await row(id)).toMatchObject(PARKED);
    const kept = await collect(backups.list('journal/'));
    expect(kept).toHaveLength(2);
    expect(kept).toContain(journalKey('email', runId));
  },
);

/** As an operator does; the next one finds nobody who works for it. @returns its id */
async function endRun(): Promise<string> {
  const { runId } = await old.lane.describe();
  await old.lane.terminate();
  const { workflow } = old.temporal.client;
  await workflow.start('mailDelivery', { workflowId: laneId('email'), taskQueue: TASK_QUEUES.processes, args: [{}] });
  return runId;
}

it('parks what was claimed or open at the restored moment, for it may have gone out since', async () => {
  const [open, claimed, due] = [
    await old.submitDue('open@example.org'),
    await old.submitDue('claimed@example.org'),
    await old.submitDue('due@example.org'),
  ];
  const claimOwner = randomUUID();
  await old.database.db.draft.update({ where: { id: open.id }, data: { status: 'sending', claimOwner } });
  await old.database.db.draft.update({ where: { id: claimed.id }, data: { claimOwner } });
  await old.temporalKnows();
  await cut();
  await restored?.begin();
  expect(await restored?.mark()).toEqual({ complete: true, parked: 2, missing: 0 });
  expect(await row(open.id)).toMatchObject(PARKED);
  expect(await row(claimed.id)).toMatchObject(PARKED);
  expect((await row(due.id))?.status).toBe('scheduled');
});

describe('where nobody can know all that was claimed', () => {
  let due: string;
  let later: string;
  let waiting: string;
  beforeEach(async () => {
    due = (await old.submitDue('due@example.org')).id;
    later = (await old.submitDue('later@example.org', { sendAt: new Date(Date.now() + 3_600_000).toISOString() })).id;
    waiting = (await old.submitForReview('waiting@example.org')).id;
  });

  const expectDueParked = async () => {
    expect(await row(due)).toMatchObject(PARKED);
    expect((await row(later))?.status).toBe('scheduled');
    expect((await row(waiting))?.status).toBe('pending_review');
  };

  it('what was due is parked too: Temporal’s store is lost', async () => {
    await cut();
    await restored?.begin();
    expect(await restored?.mark({ temporal: null })).toEqual({ complete: false, parked: 1, missing: 0 });
    await expectDueParked();
  });

  it('likewise where Temporal’s store is another than at the restored moment', async () => {
    await old.database.db.instance.update({ where: { id: 1 }, data: { temporalNamespaceId: 'another' } });
    await old.database.db.lane.update({ where: { name: 'email' }, data: { journalRun: uuidv7() } });
    await cut();
    await restored?.begin();
    const fresh = await createTestNamespace();
    expect(await restored?.mark({ temporal: fresh.client })).toMatchObject({ complete: false, parked: 1 });
    await fresh.close();
    await expectDueParked();
  });

  it('likewise where the journal has a gap', async () => {
    await old.temporalKnows();
    await cut();
    const { backups } = (restored as RewoundService).sources;
    const runId = uuidv7();
    await archiveRun(backups, 'email', runId, { complete: false, claims: [] });
    await restored?.begin();
    expect(await restored?.mark()).toEqual({ complete: false, parked: 1, missing: 0 });
    await expectDueParked();
  });

  it('likewise where an object of the journal is not signed by us, whatever it says and however old its name', async () => {
    await old.temporalKnows();
    await cut();
    const { backups } = (restored as RewoundService).sources;
    const runId = `${(Date.now() - 3 * 3_600_000).toString(16).padStart(12, '0').replace(/^.{8}/, '$&-')}${uuidv7().slice(13)}`;
    const nothing = { lane: 'email', runId, complete: true, claims: [] };
    await backups.put(journalKey('email', runId), Buffer.from(JSON.stringify(nothing)));
    await archiveRun(backups, 'email', uuidv7(), { complete: true, claims: [] });
    await restored?.begin();
    expect(await restored?.mark()).toEqual({ complete: false, parked: 1, missing: 0 });
    await expectDueParked();
  });

  it('a gap that is older than the restored moment does not matter', async () => {
    await old.temporalKnows();
    await cut();
    const { backups } = (restored as RewoundService).sources;
    const at = (hoursAgo: number) => {
      const time = (Date.now() - hoursAgo * 3_600_000).toString(16).padStart(12, '0');
      return `${time.slice(0, 8)}-${time.slice(8)}${uuidv7().slice(13)}`;
    };
    for (const [runId, complete] of [
      [at(3), false],
      [at(2), true],
    ] as const) {
      await archiveRun(backups, 'email', runId, { complete, claims: [] });
    }
    await restored?.begin();
    expect(await restored?.mark()).toEqual({ complete: true, parked: 0, missing: 0 });
  });
});

markedOnce(
  'a person says what became of a parked mail; one that nobody had approved at that moment needs its approval again',
  async () => {
    old.runWorker();
    await told(old);
    const waiting = await old.submitForReview('waiting@example.org');
    const due = await old.submitDue('due@example.org', { sendAt: new Date(Date.now() + 4_000).toISOString() });
    const service = await cut();
    await old.approve(waiting);
    for (const { id } of [waiting, due]) await old.draftIn('sent', id);
    await service.begin();
    expect(await service.mark()).toMatchObject({ parked: 2 });
    const { commands } = service.test;
    const resolve = (id: string) =>
      commands.resolveDraft(old.approver, { id, as: 'not_sent', reason: 'not in the log' });
    expect(await resolve(waiting.id)).toMatchObject({ status: 'pending_review', outcome: null, failure: null });
    expect(await resolve(due.id)).toMatchObject({ status: 'scheduled', outcome: null });
    expect((await commands.approveDraft(old.approver, { id: waiting.id, revision: 1 })).status).toBe('approved');
  },
);
