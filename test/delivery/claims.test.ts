// The lane's fence, statement by statement: whoever does not own the lane any more changes nothing but the truth about
// a conversation that was open already.
import { randomUUID } from 'node:crypto';
import type { CommandContext } from '../../activities/commands/context';
import { readDraftView } from '../../activities/commands/draft-record';
import { packIds, unpackIds } from '../../activities/lane/journal';
import { type Claims, createClaims, type Outcome } from '../../activities/mail-delivery/claims';
import { WATCHED_MS } from '../../activities/outbox/outbox';
import { aDraft, createTestCommands, refusalOf, type TestCommands, timeline } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let test: TestCommands;
let author: CommandContext;
let approver: CommandContext;

beforeEach(async () => {
  database = await createTestDatabase();
  test = createTestCommands(database.db);
  author = await test.person('an agent', 'author');
  approver = await test.person('Ada', 'approver');
});
afterEach(() => database.drop());

async function due(): Promise<string> {
  const { id } = await test.commands.submitDraft(author, aDraft());
  await test.commands.approveDraft(approver, { id, revision: 1 });
  await test.commands.releaseDraft(id);
  return id;
}
const watchedNoMore = (id: string) =>
  database.db.draft.update({ where: { id }, data: { dueAt: new Date(Date.now() - 2 * WATCHED_MS) } });
const newOwner = (): Claims => createClaims(database.db, 'email', randomUUID(), 'example.org');
async function owner(): Promise<Claims> {
  const claims = newOwner();
  await claims.takeOver(null, { unsettled: null, isLookedAt: true });
  return claims;
}
const sent = (id: string): Outcome => ({ id, status: 'sent', outcome: 'delivered', code: null, retrySeconds: null });
const view = (id: string) => readDraftView(database.db, id);
const messageTo = async (entityId: string) =>
  (await database.db.outboxMessage.findFirstOrThrow({ where: { entityId } })).message;

describe('the owner of the lane', () => {
  it('claims what is due, opens it, and records what became of it', async () => {
    const [one, two] = [await due(), await due()];
    const claims = await owner();
    expect((await claims.claim(10)).ids.sort()).toEqual([one, two].sort());
    expect(await claims.claim(10)).toEqual({ owned: true, ids: [], mark: null, nextInMs: null });
    const [mail] = await claims.open([one]);
    expect(mail).toMatchObject({ id: one, to: 'reader@example.org', messageId: `<${one}@example.org>` });
    expect((await view(one))?.status).toBe('sending');
    expect(await claims.open([one])).toEqual([]);
    // The process that has just released it watches it.
    expect(await claims.record([sent(one)])).toEqual({ told: false, forgot: false });
    expect(await messageTo(one)).toMatchObject({ status: 'sent', outcome: 'delivered' });
    expect(await view(one)).toMatchObject({ status: 'sent', outcome: 'delivered', sentAt: expect.any(String) });
    expect((await timeline(database.db, one)).at(-1)).toBe('sent');
    await claims.release([]);
    expect((await claims.claim(10)).ids).toEqual([two]);
  });

  it('leaves alone what is due later', async () => {
    const id = await due();
    await database.db.draft.update({ where: { id }, data: { nextAttemptAt: new Date(Date.now() + 60_000) } });
    const { ids, nextInMs } = await (await owner()).claim(10);
    expect(ids).toEqual([]);
    expect(nextInMs).toBeGreaterThan(50_000);
    expect(nextInMs).toBeLessThanOrEqual(60_000);
  });

  it('opens nothing that was withdrawn after the claim, and withdraws nothing that was opened', async () => {
    const [one, two] = [await due(), await due()];
    const claims = await owner();
    await claims.claim(10);
    await test.commands.withdrawDraft(author, { id: one });
    expect((await claims.open([one, two])).map(({ id }) => id)).toEqual([two]);
    expect(await refusalOf(test.commands.withdrawDraft(author, { id: two }))).toBe('send_begun');
  });

  it('never both opens and withdraws one draft, however close they come', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, due));
    const claims = await owner();
    await claims.claim(100);
    const opened: string[] = [];
    const withdrawn: string[] = [];
    await Promise.all(
      ids.flatMap((id) => [
        claims.open([id]).then((mails) => opened.push(...mails.map((mail) => mail.id))),
        test.commands.withdrawDraft(author, { id }).then(
          () => withdrawn.push(id),
          () => {},
        ),
      ]),
    );
    expect(opened.filter((id) => withdrawn.includes(id))).toEqual([]);
    expect(opened.length + withdrawn.length).toBe(ids.length);
  });

  it('has a mail tried again at its own time', async () => {
    const id = await due();
    const claims = await owner();
    await claims.claim(10);
    await claims.open([id]);
    await claims.record([{ id, status: 'scheduled', outcome: null, code: 'smtp_450', retrySeconds: 60 }]);
    const row = await database.db.draft.findUniqueOrThrow({ where: { id } });
    expect(row).toMatchObject({ status: 'scheduled', attempts: 1, claimOwner: null, failureCode: 'smtp_450' });
    expect((row.nextAttemptAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(50_000);
  });
});

describe('a new owner', () => {
  it('parks what the old one had open, frees what it had only claimed, and shuts it out', async () => {
    const [open, claimed, waiting] = [await due(), await due(), await due()];
    const old = await owner();
    await old.claim(2);
    await old.open([open]);
    const fresh = newOwner();
    expect(await fresh.takeOver(null, { unsettled: null, isLookedAt: true })).toMatchObject({
      state: 'owned',
      told: true,
    });
    expect(await messageTo(open)).toMatchObject({ status: 'failed', outcome: 'unknown' });
    expect(await view(open)).toMatchObject({
      status: 'failed',
      outcome: 'unknown',
      failure: { code: 'outcome_unknown' },
    });
    expect((await timeline(database.db, open)).at(-1)).toBe('parked');

    expect(await old.claim(10)).toMatchObject({ owned: false, ids: [] });
    expect(await old.open([claimed])).toEqual([]);
    expect((await fresh.claim(10)).ids.sort()).toEqual([claimed, waiting].sort());
    await old.release([]);
    expect((await fresh.open([claimed, waiting])).map(({ id }) => id).sort()).toEqual([claimed, waiting].sort());
    await old.record([sent(claimed)]);
    expect((await view(claimed))?.status).toBe('sending');
  });

  it('hears from the old one how a parked conversation ended after all', async () => {
    const id = await due();
    const old = await owner();
    await old.claim(1);
    await old.open([id]);
    await owner();
    await watchedNoMore(id);
    expect(await old.record([sent(id)])).toEqual({ told: true, forgot: false });
    expect(await messageTo(id)).toMatchObject({ status: 'sent' });
    expect(await view(id)).toMatchObject({ status: 'sent', outcome: 'delivered', failure: null });
  });

  it('is not overruled by the old one once a person has resolved a parked draft', async () => {
    const id = await due();
    const old = await owner();
    await old.claim(1);
    await old.open([id]);
    const fresh = await owner();
    await test.commands.resolveDraft(approver, { id, as: 'not_sent', reason: 'not in the log' });
    await old.record([sent(id)]);
    expect((await view(id))?.status).toBe('scheduled');
    expect((await fresh.claim(1)).ids).toEqual([id]);
  });

  it('comes to nothing where the lane is held', async () => {
    await due();
    const current = await owner();
    await database.db.lane.update({ where: { name: 'email' }, data: { held: true } });
    expect(await newOwner().takeOver(null, { unsettled: null, isLookedAt: true })).toEqual({ state: 'held' });
    expect(await current.claim(10)).toMatchObject({ owned: false, ids: [] });
  });

  it('never shares a draft with another, however many take over and claim at once', async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, due));
    const opened: string[] = [];
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        const claims = await owner();
        for (let round = 0; round < 5; round++) {
          const { ids: claimed } = await claims.claim(3);
          const mails = await claims.open(claimed);
          opened.push(...mails.map(({ id }) => id));
          await claims.record(mails.map(({ id }) => sent(id)));
        }
      }),
    );
    const last = await owner();
    const rest = await last.open((await last.claim(100)).ids);
    opened.push(...rest.map(({ id }) => id));
    await last.record(rest.map(({ id }) => sent(id)));
    expect(opened.filter((id, i) => opened.indexOf(id) !== i)).toEqual([]);
    expect(opened.sort()).toEqual(ids.sort());
  });
});

describe('the journal', () => {
  it('packs ids into 16 bytes each, and has them back', () => {
    const ids = Array.from({ length: 100 }, () => randomUUID());
    const packed = packIds(ids);
    expect(packed.length).toBeLessThan(2200);
    expect(unpackIds(packed)).toEqual(ids);
    expect(unpackIds(packIds([]))).toEqual([]);
  });
});
