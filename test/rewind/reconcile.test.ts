// What had been acknowledged comes back from the truth, and nothing else: what did not change stays as it was restored.
import { uuidv7 } from 'uuidv7';
import { createSealer } from '../../activities/audit-trail/seal';
import { createSigner } from '../../activities/audit-trail/signatures';
import { verifyTrail } from '../../activities/audit-trail/verify';
import { readDraftView } from '../../activities/commands/draft-record';
import type { DraftView } from '../../activities/commands/draft-view';
import { eraseDrafts } from '../../activities/personal-data/erase-drafts';
import { findLost } from '../../activities/rewind';
import type { Database } from '../../prisma/client';
import { aDraft, refusalOf, setStatus, timeline } from '../support/commands';
import { makePreview } from '../support/preview';
import { TestService } from '../support/service';
import { RewoundService } from './rewound-service';

let old: TestService;
let service: RewoundService;
const closing: RewoundService[] = [];

beforeEach(async () => {
  old = await TestService.create();
  await old.temporalKnows();
});
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
  await old.close();
});

async function cut(): Promise<RewoundService> {
  service = await RewoundService.cut(old);
  closing.push(service);
  return service;
}
async function begin(): Promise<void> {
  await service.begin();
  await service.mark();
}
const submit = (changes = {}) => old.test.commands.submitDraft(old.author, aDraft(changes));
const view = (id: string, db: Database = service.db) => readDraftView(db, id);
/** What both lives say of a draft, but for when. */
const same = async (id: string) => {
  const told = async (db: Database) => {
    const { updatedAt: _, ...rest } = (await view(id, db)) as DraftView;
    return rest;
  };
  expect(await told(service.db)).toEqual(await told(old.database.db));
};
const lost = (isWhole = true) =>
  findLost({ restored: service.db, truth: { db: old.database.db, isWhole }, ...service.sources });

describe('a draft', () => {
  it('comes back as it was: new ones, decisions, revisions, remarks, files, mails that were sent', async () => {
    const { commands } = old.test;
    const [approved, revised, withdrawn, asked, untouched] = [
      await submit(),
      await submit(),
      await submit(),
      await submit(),
      await submit(),
    ];
    await cut();
    const file = await commands.recordAttachment(old.author, {
      name: 'a.txt',
      type: 'text/plain',
      size: 3,
      sha256: 'ab'.repeat(32),
    });
    const submitted = await submit({
      attachments: [file.id],
      metadata: { big: 0.1, n: 12_345_678 },
      idempotencyKey: 'k',
    });
    await commands.approveDraft(old.approver, { id: approved.id, comment: 'yes', revision: 1 });
    await setStatus(old.database.db, approved.id, 'sent', 'delivered');
    await commands.reviseDraft(old.author, { id: revised.id, revision: 1, body: 'Other words.' });
    await commands.withdrawDraft(old.author, { id: withdrawn.id, reason: 'no longer true' });
    await commands.requestChanges(old.approver, { id: asked.id, comment: 'shorter' });

    await begin();
    const all = [submitted, approved, revised, withdrawn, asked].map(({ id }) => id);
    const before = await lost();
    expect(before).toMatchObject({ complete: true, decisions: 2, sent: 1, suppressions: 0, holds: 0, erasures: [] });
    expect(before.drafts.map(({ id }) => id).sort()).toEqual([...all].sort());
    expect(before.drafts.find(({ id }) => id === submitted.id)).toEqual({
      id: submitted.id,
      was: { status: 'pending_review', version: 1, at: expect.any(String) },
      is: null,
    });
    expect(before.drafts.find(({ id }) => id === approved.id)).toMatchObject({
      was: { status: 'sent', version: 3 },
      is: { status: 'pending_review', version: 1 },
    });

    expect(await service.reconcile()).toMatchObject({ drafts: 5, superseded: 0, parked: 0, complete: true });
    for (const id of all) await same(id);
    expect(await timeline(service.db, approved.id)).toEqual(['submitted', 'approved', 'reconciled']);
    expect(await timeline(service.db, untouched.id)).toEqual(['submitted']);
    expect(await lost()).toMatchObject({ complete: true, drafts: [], decisions: 0, sent: 0 });
    expect(await service.reconcile()).toMatchObject({ drafts: 0, events: 0 });
    await service.release();
    expect(await refusalOf(service.test.commands.withdrawDraft(old.author, { id: approved.id }))).toBe('send_begun');
    const again = await service.test.commands.submitDraft(old.author, {
      ...aDraft({ attachments: [file.id], metadata: { big: 0.1, n: 12_345_678 } }),
      idempotencyKey: 'k',
    });
    expect(again.id).toBe(submitted.id);
  });

  it('that waits for HubSpot comes back with what it waits for', async () => {
    const { db } = old.database;
    await db.lane.update({ where: { name: 'hubspot' }, data: { enabled: true } });
    const draft = await submit();
    await cut();
    await setStatus(db, draft.id, 'sent', 'delivered');
    const waiting = await db.crmSync.findUniqueOrThrow({ where: { draftId: draft.id } });
    await begin();
    await service.reconcile();
    expect(await service.db.crmSync.findMany()).toEqual([waiting]);
  });

  it('that did not change since keeps the restored words: the accident is not brought back', async () => {
    const draft = await submit();
    await cut();
    await old.database.pool.query(`UPDATE revisions SET body = 'overwritten' WHERE draft_id = '${draft.id}'`);
    await old.database.pool.query(`DELETE FROM drafts WHERE id <> '${draft.id}'`);
    await begin();
    expect((await service.reconcile()).drafts).toBe(0);
    expect((await view(draft.id))?.body).toBe(draft.body);
  });

  it('that was parked by the journal becomes what it was: sent, or due again where it never went out', async () => {
    const [sent, postponed] = [await submit({ confidence: 1 }), await submit({ confidence: 1 })];
    for (const { id } of [sent, postponed]) {
      await old.database.db.draft.update({ where: { id }, data: { claimOwner: uuidv7() } });
    }
    await cut();
    await old.database.db.draft.updateMany({ data: { claimOwner: null } });
    await setStatus(old.database.db, sent.id, 'sent', 'delivered');
    await begin();
    expect((await view(postponed.id))?.failure?.code).toBe('rewound');
    await service.reconcile();
    expect((await view(sent.id))?.status).toBe('sent');
    expect(await service.db.draft.findUnique({ where: { id: postponed.id } })).toMatchObject({
      status: 'scheduled',
      claimOwner: null,
      nextAttemptAt: expect.any(Date),
    });
  });

  it('whose conversation was open when the truth ended is parked', async () => {
    const draft = await submit({ confidence: 1 });
    await cut();
    const data = { status: 'sending', version: 2, claimOwner: uuidv7() };
    await old.database.db.draft.update({ where: { id: draft.id }, data });
    await begin();
    await service.reconcile();
    expect(await view(draft.id)).toMatchObject({
      status: 'failed',
      outcome: 'unknown',
      failure: { code: 'outcome_unknown' },
    });
  });

  it('that a person has decided otherwise in the new life stays so, unless its mail has gone out', async () => {
    const [decided, sent] = [await submit(), await submit()];
    await cut();
    for (const { id } of [decided, sent]) await old.test.commands.approveDraft(old.approver, { id, revision: 1 });
    await setStatus(old.database.db, sent.id, 'sent', 'delivered');
    await begin();
    for (const { id } of [decided, sent]) {
      await service.test.commands.rejectDraft(old.approver, { id, reason: 'not in this life' });
    }
    expect((await lost()).drafts.map(({ id }) => id)).toEqual([sent.id]);
    expect(await service.reconcile()).toMatchObject({ drafts: 1, superseded: 1 });
    expect((await view(decided.id))?.status).toBe('rejected');
    expect((await view(sent.id))?.status).toBe('sent');
    expect(await timeline(service.db, sent.id)).toEqual(['submitted', 'rejected', 'approved', 'reconciled']);
  });

  it('that expired in the new life, though somebody had decided in time, is what was decided', async () => {
    const draft = await submit();
    await cut();
    await old.test.commands.approveDraft(old.approver, { id: draft.id, revision: 1 });
    await begin();
    await service.db.$executeRaw`UPDATE drafts SET expires_at = clock_timestamp()`;
    await service.test.commands.expireDraft(draft.id);
    expect((await view(draft.id))?.status).toBe('expired');
    await service.reconcile();
    expect((await view(draft.id))?.status).toBe('approved');
  });

  it('that was handed in again under its key gives way to what it was first', async () => {
    await cut();
    const first = await submit({ idempotencyKey: 'order-1' });
    await begin();
    const again = await service.test.commands.submitDraft(old.author, { ...aDraft(), idempotencyKey: 'order-1' });
    expect(again.id).not.toBe(first.id);
    await service.reconcile();
    expect((await view(again.id))?.status).toBe('withdrawn');
    const third = await service.test.commands.submitDraft(old.author, { ...aDraft(), idempotencyKey: 'order-1' });
    expect(third.id).toBe(first.id);
  });

  it('of an author who got a new name entry in the new life belongs to that one', async () => {
    await cut();
    const late = await old.test.person('a late agent', 'author');
    const draft = await old.test.commands.submitDraft(late, aDraft());
    await begin();
    const here = await service.test.person('a late agent', 'author');
    await service.reconcile();
    expect((await service.db.draft.findUniqueOrThrow({ where: { id: draft.id } })).authorId).toBe(here.actor.id);
    expect((await view(draft.id))?.author).toBe('a late agent');
  });
});

describe('a promise to a person', () => {
  const ADA = 'ada@customer.example';

  it('comes back: suppressions, holds and their releases, erasures', async () => {
    const { commands, admin } = old.test;
    const draft = await submit();
    const held = await commands.placeHold(admin, { draftId: draft.id, reason: 'evidence' });
    await cut();
    await commands.addSuppression(admin, { email: 'no@mail.example', reason: 'asked' });
    await commands.releaseHold(admin, held.id);
    const placed = await commands.placeHold(admin, { email: 'kept@customer.example', reason: 'a case' });
    const erasure = await commands.requestErasure(admin, { email: ADA, grace: 'PT24H' });
    await makePreview(old.database.db, erasure.requestId);
    await commands.confirmErasure(admin, erasure.requestId);

    await begin();
    expect(await lost()).toMatchObject({
      suppressions: 2,
      holds: 2,
      erasures: [{ id: erasure.requestId, was: { status: 'waiting', version: 2 }, is: null }],
    });
    expect(await service.reconcile()).toMatchObject({ suppressions: 2, holds: 2, erasures: 1 });
    const holds = await service.db.legalHold.findMany({ orderBy: { createdAt: 'asc' } });
    expect(holds).toMatchObject([
      { id: held.id, releasedAt: expect.any(Date) },
      { id: placed.id, releasedAt: null },
    ]);
    const row = await service.db.erasure.findUniqueOrThrow({ where: { id: erasure.requestId } });
    expect(row).toMatchObject({ status: 'waiting', confirmedAt: expect.any(Date), sealed: expect.anything() });
    expect(await service.db.outboxMessage.count({ where: { process: 'userErasure' } })).toBe(1);
    const [suppressed] = await service.db.$queryRaw<{ is: boolean }[]>`
      SELECT is_suppressed(${service.erasures.subjects.hashesOf(ADA)}) AS is`;
    expect(suppressed?.is).toBe(true);
    expect(await lost()).toMatchObject({ suppressions: 0, holds: 0, erasures: [] });
  });

  it('an erasure that was under way goes through all stores again; one that was cancelled suppresses nobody', async () => {
    const { commands, admin } = old.test;
    const cancelled = await commands.requestErasure(admin, {
      email: 'b@customer.example',
      grace: 'PT24H',
    });
    await cut();
    const running = await commands.requestErasure(admin, { email: ADA, grace: 'PT0S' });
    await old.database.db.erasure.update({
      where: { id: running.requestId },
      data: { status: 'scanning', version: 4 },
    });
    await commands.cancelErasure(admin, cancelled.requestId);
    await begin();
    await service.reconcile();
    const status = async (id: string) => (await service.db.erasure.findUniqueOrThrow({ where: { id } })).status;
    expect(await status(running.requestId)).toBe('erasing');
    expect(await status(cancelled.requestId)).toBe('cancelled');
    expect(await service.db.suppression.findMany()).toMatchObject([{ erasureId: running.requestId }]);
  });

  it('a draft that was erased here too is known to have ended as it did', async () => {
    const [sent, kept] = [await submit({ to: ADA }), await submit({ to: 'bob@customer.example' })];
    await cut();
    await old.test.commands.approveDraft(old.approver, { id: sent.id, revision: 1, comment: `for ${ADA}` });
    await setStatus(old.database.db, sent.id, 'sent', 'delivered');
    await begin();
    await service.db.$transaction((tx) => eraseDrafts(tx, [sent.id], 'erasure'));
    expect((await lost()).drafts).toEqual([]);
    expect(await service.reconcile()).toMatchObject({ drafts: 1 });
    expect(await view(sent.id)).toMatchObject({ status: 'erased', to: null, subject: null, outcome: 'delivered' });
    expect(await service.db.draft.findUnique({ where: { id: sent.id } })).toMatchObject({ finalStatus: 'sent' });
    expect(await service.db.verdict.findMany()).toMatchObject([
      { draftId: sent.id, verdict: 'approve', comment: null },
    ]);
    expect((await view(kept.id))?.to).toBe('bob@customer.example');
    expect(await service.reconcile()).toMatchObject({ drafts: 0 });
  });

  it('a draft that is erased in the truth stays erased, unless somebody has to keep it now', async () => {
    const [gone, kept] = [await submit({ to: ADA }), await submit({ to: ADA })];
    for (const { id } of [gone, kept]) await old.test.commands.rejectDraft(old.approver, { id, reason: 'no' });
    await cut();
    await old.database.db.$transaction((tx) => eraseDrafts(tx, [gone.id, kept.id], 'retention'));
    await begin();
    await service.test.commands.placeHold(old.test.admin, { draftId: kept.id, reason: 'evidence' });
    await service.reconcile();
    expect(await view(gone.id)).toMatchObject({ status: 'erased', to: null, subject: null });
    expect(await service.db.verdict.findMany({ where: { draftId: gone.id } })).toMatchObject([{ comment: null }]);
    expect(await view(kept.id)).toMatchObject({ status: 'rejected', to: ADA });
  });
});

it('events that are lost come in at the end of the chain, which stays whole, with what operators wrote beside them', async () => {
  await submit();
  const seal = async (db: Database) => {
    const act = createSealer(db);
    while ((await act())?.isMore);
  };
  await seal(old.database.db);
  await cut();
  const draft = await submit();
  await refusalOf(old.test.commands.approveDraft(old.author, { id: draft.id, revision: 1 }));
  await old.test.commands.addSuppression(old.test.admin, { email: 'no@mail.example', reason: 'asked' });
  const act = { service: 'email', event: 'service.paused', reason: 'maintenance' } as const;
  await old.test.commands.actOnService(old.test.admin, act, async () => {});
  await begin();
  await seal(service.db);
  await service.reconcile();
  await seal(service.db);
  expect(await service.db.operatorNote.findMany()).toEqual(await old.database.db.operatorNote.findMany());
  const ids = async (db: Database) =>
    (await db.auditEvent.findMany({ orderBy: { position: 'asc' } })).map(({ id }) => id);
  const here = await ids(service.db);
  expect(here).toEqual(expect.arrayContaining(await ids(old.database.db)));
  expect(await service.db.auditSeal.count()).toBe(here.length);
  const verifier = createSigner([Buffer.alloc(32, 7)]);
  expect(await verifyTrail({ db: service.db, store: service.sources.backups, verifier })).toMatchObject({ ok: true });
});

describe('one that is cut off', () => {
  it('goes on, however often the database breaks off, and ends as if nothing had happened', async () => {
    const drafts = await Promise.all(Array.from({ length: 120 }, () => submit()));
    await cut();
    await Promise.all(
      drafts.map(({ id }, i) => (i % 2 ? old.test.commands.approveDraft(old.approver, { id, revision: 1 }) : null)),
    );
    const more = await Promise.all(Array.from({ length: 60 }, () => submit()));
    await old.test.commands.addSuppression(old.test.admin, { email: 'no@mail.example', reason: 'asked' });
    await begin();
    const name = new URL(service.database.url).pathname.slice(1);
    let broken = 0;
    for (let wait = 5; ; wait += 20) {
      const act = service.reconcile().then(
        () => true,
        () => false,
      );
      // With a timeout it returns when the connections have ended: what is read afterwards gets none of them.
      let ended: Promise<unknown> = Promise.resolve();
      const cutOff = setInterval(() => {
        ended = old.database.pool
          .query(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${name}'`)
          .catch(() => {});
      }, wait);
      const done = await act;
      clearInterval(cutOff);
      await ended;
      if (done) break;
      broken += 1;
    }
    expect(broken).toBeGreaterThan(2);
    for (const { id } of [...drafts, ...more].filter((_, i) => i % 7 === 0)) await same(id);
    expect(await lost()).toMatchObject({ drafts: [], decisions: 0, suppressions: 0 });
    for (const { id } of drafts) {
      const events = await timeline(service.db, id);
      expect(events.filter((type) => type === 'reconciled').length).toBeLessThanOrEqual(1);
      expect(new Set(events).size).toBe(events.length);
    }
    await service.release();
  });
});
