// What comes in between the parts of an erasure: a hold, a release, a draft, a file, an unsubscription, retention.
import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { storeAttachment } from '../../activities/attachments';
import { eraseDrafts, shutOutNewHolds } from '../../activities/personal-data/erase-drafts';
import { createUnsubscribeTokens } from '../../activities/personal-data/unsubscribe-token';
import { changeUnlessHeld } from '../../activities/user-erasure/stores/postgres/held-person';
import { replaceInTables } from '../../activities/user-erasure/stores/postgres/mentions';
import type { Database } from '../../prisma/client';
import { aDraft, refusalOf, SETTINGS, setStatus } from '../support/commands';
import { deferred } from '../support/deferred';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { World } from './races/world';

const ADA = 'ada@customer.example';
const BOB = 'bob@other.example';

let temporal: TestNamespace;
let world: World;
beforeAll(async () => {
  temporal = await createTestNamespace();
});
beforeEach(async () => {
  world = await World.create(temporal);
});
afterEach(() => world?.database.drop());
afterAll(() => temporal?.close());

const submit = async (to: string, changes = {}) =>
  (await world.commands.submitDraft(world.author, aDraft({ to, ...changes }))).id;
const draft = (id: string) => world.db.draft.findUniqueOrThrow({ where: { id }, include: { revisions: true } });

async function begin(grace = 'PT0S'): Promise<string> {
  const { requestId } = await world.commands.requestErasure(world.admin, { email: ADA, grace });
  await world.activities.beginErasure(requestId);
  return requestId;
}
async function findings(requestId: string): Promise<number> {
  const { sources } = await world.run(world.activities.scanStores, requestId);
  return sources.reduce((sum, source) => sum + source.findings, 0);
}
async function upload(content: string): Promise<string> {
  const bytes = Buffer.from(content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = { name: 'notes.txt', type: 'text/plain', size: bytes.length, sha256 };
  const received = { ...file, read: () => Readable.from([bytes]), discard: async () => {} };
  return (await storeAttachment(world, received, () => world.commands.recordAttachment(world.author, file))).id;
}

describe('a hold', () => {
  it('that waited for an eraser is refused, since nothing is left', async () => {
    const id = await submit(ADA);
    const [locked, held] = [deferred<void>(), deferred<void>()];
    const erasing = world.db.$transaction(async (tx) => {
      await tx.$executeRaw`LOCK TABLE legal_holds IN SHARE MODE`;
      locked.resolve();
      await held.promise;
      await eraseDrafts(tx, [id], 'erasure');
    });
    await locked.promise;
    const placing = refusalOf(world.commands.placeHold(world.admin, { draftId: id, reason: 'evidence' }));
    await until('the hold waits', async () => {
      const { rowCount } = await world.pool.query(`SELECT 1 FROM pg_locks WHERE NOT granted`);
      return (rowCount ?? 0) > 0;
    });
    held.resolve();
    await erasing;
    expect(await placing).toBe('erased');
  });

  it('that was answered keeps a draft from the change that was about to come', async () => {
    const [held, mention, free] = [await submit(ADA), await submit(BOB), await submit(BOB)];
    const change = async (tx: Database) => tx.draft.count();
    await world.commands.placeHold(world.admin, { draftId: held, reason: 'evidence' });
    const somebody = world.personOf('somebody@customer.example');
    expect(await changeUnlessHeld(world.db, somebody, held, change)).toBeNull();
    expect(await changeUnlessHeld(world.db, somebody, free, change)).toBe(3);
    await world.commands.placeHold(world.admin, { email: ADA, reason: 'a law suit' });
    expect(await changeUnlessHeld(world.db, world.personOf(ADA), mention, change)).toBeNull();
  });

  it('that is released before the erasure is suspended does not suspend it', async () => {
    const id = await submit(ADA);
    const hold = await world.commands.placeHold(world.admin, { draftId: id, reason: 'evidence' });
    const requestId = await begin();
    await world.run(world.activities.takeErasureStep, { requestId, step: 'postgres' });
    await world.commands.releaseHold(world.admin, hold.id);
    await world.run(world.activities.takeErasureStep, { requestId, step: 'temporal' });
    expect((await world.activities.concludePurge(requestId))?.status).toBe('erasing');
    expect(await world.purge(requestId)).toBe('scanning');
    expect((await draft(id)).status).toBe('erased');
  });

  it('that ends by itself after a part was withheld lets the erasure go on', async () => {
    const id = await submit(ADA);
    await world.commands.placeHold(world.admin, { draftId: id, reason: 'evidence', until: '2099-01-01T00:00:00Z' });
    const requestId = await begin();
    expect(await world.purge(requestId)).toBe('suspended');
    expect((await world.activities.lookAtHoldsAgain(requestId))?.status).toBe('suspended');
    await world.db.$executeRaw`UPDATE legal_holds SET until = clock_timestamp()`;
    expect((await world.activities.lookAtHoldsAgain(requestId))?.status).toBe('erasing');
  });
});

it('a worker that froze while it erased keeps nobody from placing a hold for long', async () => {
  const [locked, thawed] = [deferred<void>(), deferred<void>()];
  const frozen = world.db.$transaction(
    async (tx) => {
      await shutOutNewHolds(tx);
      locked.resolve();
      await thawed.promise;
      await tx.draft.count();
    },
    { timeout: 30_000 },
  );
  frozen.catch(() => {});
  await locked.promise;
  await world.commands.placeHold(world.admin, { email: ADA, reason: 'a law suit' });
  thawed.resolve();
  await expect(frozen).rejects.toThrow();
});

describe('a draft of somebody else', () => {
  it('that comes in with a mention after the open ones were revised keeps its words until it is revised too', async () => {
    const id = await submit(BOB, { body: `Ask ${ADA}`, replyTo: ADA, confidence: 1 });
    await world.index.catchUp(() => {});
    await replaceInTables(world, world.personOf(ADA), () => {});
    expect(await draft(id)).toMatchObject({ status: 'scheduled', replyTo: ADA, revisions: [{ body: `Ask ${ADA}` }] });
    const requestId = await begin();
    expect(await world.purge(requestId)).toBe('scanning');
    expect(await draft(id)).toMatchObject({ status: 'pending_review', revision: 2, replyTo: null });
    expect(await findings(requestId)).toBe(0);
  });

  it('whose send has an unknown outcome loses a file that mentions the person', async () => {
    const id = await submit(BOB, { attachments: [await upload(`About ${ADA}`)] });
    await setStatus(world.db, id, 'failed', 'unknown');
    const requestId = await begin();
    expect(await world.purge(requestId)).toBe('scanning');
    expect([await findings(requestId), await world.db.attachment.count()]).toEqual([0, 0]);
    expect(await draft(id)).toMatchObject({ status: 'failed', outcome: 'unknown', to: BOB });
  });

  it('that gets the same file as one of the person’s, meanwhile, keeps it', async () => {
    const own = await submit(ADA, { attachments: [await upload('A brochure')] });
    const requestId = await begin();
    await world.run(world.activities.takeErasureStep, { requestId, step: 'close_drafts' });
    const other = await submit(BOB, { attachments: [await upload('A brochure')] });
    await upload('A brochure');
    expect(await world.purge(requestId)).toBe('scanning');
    expect(await findings(requestId)).toBe(0);
    expect(await world.db.draftAttachment.findMany({ select: { draftId: true } })).toEqual([{ draftId: other }]);
    expect((await draft(own)).status).toBe('erased');
  });
});

it('what an attempt erased that was cut off before its journal still counts, once', async () => {
  await submit(ADA);
  await submit(ADA);
  const requestId = await begin();
  const person = { ...world.personOf(ADA), requestId };
  for (const store of world.stores) await store.purge(person, () => {});
  await world.purge(requestId);
  await world.purge(requestId);
  const steps = await world.db.erasureStep.findMany({ where: { step: { in: ['postgres', 'temporal'] } } });
  expect(steps.map(({ step, erased }) => [step, erased]).sort()).toEqual([
    ['postgres', 2],
    ['temporal', 2],
  ]);
});

it('a file of an own draft that retention erases meanwhile goes with it', async () => {
  const id = await submit(ADA, { attachments: [await upload('For Ada alone')] });
  const requestId = await begin();
  await world.run(world.activities.takeErasureStep, { requestId, step: 'close_drafts' });
  await world.db.$transaction((tx) => eraseDrafts(tx, [id], 'retention'));
  expect(await world.db.auditEvent.count({ where: { type: 'attachment.removed' } })).toBe(1);
  expect(await world.purge(requestId)).toBe('scanning');
  expect(await findings(requestId)).toBe(0);
});

it('a request that a restore of the database has undone is nothing to any step', async () => {
  const [requestId, { activities }] = [randomUUID(), world];
  const steps = [activities.beginErasure, activities.concludePurge, activities.eraseAgain, activities.giveErasureUp];
  for (const step of [...steps, activities.lookAtHoldsAgain]) expect(await step(requestId)).toBeNull();
  await world.run(activities.takeErasureStep, { requestId, step: 'postgres' });
  const scan = await world.run(activities.scanStores, requestId);
  expect(await world.run(activities.certifyErasure, { requestId, scan })).toBeNull();
  for await (const entry of world.ledger.entries()) expect(entry.requestId).not.toBe(requestId);
  expect([await world.db.erasure.count(), await world.db.erasureStep.count()]).toEqual([0, 0]);
});

it('who unsubscribes while an erasure waits gets no mail after it is cancelled', async () => {
  const requestId = await begin('PT24H');
  const { tokenFor } = createUnsubscribeTokens(SETTINGS.SECRET_KEY);
  await world.commands.unsubscribe(world.admin, tokenFor(world.personOf(ADA).hashes[0] as Uint8Array));
  await world.commands.cancelErasure(world.admin, requestId);
  expect(await world.db.suppression.findMany()).toMatchObject([{ kind: 'unsubscribed' }]);
});
