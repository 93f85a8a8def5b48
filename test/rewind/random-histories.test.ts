// Random histories, cut at a random moment, with a real worker and a real mail server: each draft has at most one mail in both
// lives together, each acknowledged word is there, and nobody who was erased comes back.
import { setTimeout as delay } from 'node:timers/promises';
import { replayLedger } from '../../activities/erasure-ledger/replay';
import { copyTestDatabase } from '../support/database';
import { randomOf } from '../support/random';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { type Acknowledged, RandomHistory } from './random-history';
import { RewoundService } from './rewound-service';

/** What is left of the old life: all of it, what an archive has, or nothing. */
type Left = 'all' | 'archive' | 'nothing';
const LEFT: Left[] = ['all', 'archive', 'nothing'];
const FIRST_SEED = Number(process.env.COUNTERSIGN_TEST_SEED ?? (isLongRun ? 1 : Date.now() % 100_000));
/** The seed draws what is left too: all of it, where every promise is checked, as often as the others. */
const HISTORIES = Array.from({ length: isLongRun ? 36 : 1 }, (_, i) => {
  const seed = FIRST_SEED + i;
  return [seed, LEFT[seed % LEFT.length] as Left] as const;
});
const ACTS = isLongRun ? 150 : 50;
const ENDS_WITHIN_MS = 120_000;

let old: TestService;
let restored: RewoundService | null = null;
afterEach(async () => {
  await old.endWorkers();
  await restored?.close();
  restored = null;
  await old.close();
});

const mailsTo = (email: string) => old.mail.acceptedFor(email).length;

it.each(HISTORIES)('history COUNTERSIGN_TEST_SEED=%i keeps every promise where %s is left', async (seed, left) => {
  const random = randomOf(seed);
  old = await TestService.create();
  old.mail.behave({ delay: 15 });
  const history = new RandomHistory(old, random);
  const worker = old.startWorker();
  await until('the worker works', async () => {
    const { temporalNamespaceId } = await old.database.db.instance.findUniqueOrThrow({ where: { id: 1 } });
    return temporalNamespaceId !== null;
  });
  const before = Math.floor((0.3 + 0.4 * random()) * ACTS);
  await history.act(before);
  restored = await RewoundService.cut(old);
  const archived = Math.floor(random() * (ACTS - before));
  await history.act(archived);
  const told = structuredClone(history.told);
  const archive = left === 'archive' ? await copyTestDatabase(old.database) : null;
  await history.act(ACTS - before - archived);
  await delay(random() * 1_500);
  // Temporal waits half a minute for what a killed one had begun.
  if (isLongRun && random() < 0.3) await worker.kill();
  else await worker.stop();

  if (left === 'all') Object.assign(told, history.told);
  // Whoever had asked for it before the moment from which everything is known.
  const silent = new Map([...told.suppressed, ...told.erased.keys()].map((email) => [email, mailsTo(email)]));
  if (left === 'nothing') await acceptLoss(restored);
  else await restored.bringBack(archive ? { db: archive.db, isWhole: false } : undefined);
  await archive?.drop();
  restored.runWorker();
  await untilSettled(restored);
  if (left === 'nothing') await decideAgain(restored);

  expect(old.mail.repeated).toEqual([]);
  if (left === 'nothing') return;
  await expectWordsKept(restored, told, left);
  await expectMailsKnown(restored, left);
  for (const [email, mails] of silent) expect([email, mailsTo(email)]).toEqual([email, mails]);
  await expectErased(restored, told);
});

async function acceptLoss(service: RewoundService): Promise<void> {
  await service.begin();
  await service.mark();
  await replayLedger(service.erasures);
  await service.release();
}

/** Whoever had decided before decides once more, about what looks undecided now. */
async function decideAgain(service: RewoundService): Promise<void> {
  for (const { id, revision } of await service.db.draft.findMany({ where: { status: 'pending_review' } })) {
    await service.test.commands.approveDraft(old.approver, { id, revision });
  }
  await untilSettled(service);
}

async function untilSettled({ db }: RewoundService): Promise<void> {
  await until(
    'everything has come to its end, or waits for people',
    async () => {
      const open = await db.draft.count({ where: { status: { in: ['approved', 'scheduled', 'sending'] } } });
      return open === 0 && (await db.erasure.count({ where: { endedAt: null } })) === 0;
    },
    ENDS_WITHIN_MS,
  );
}

async function expectWordsKept({ db }: RewoundService, told: Acknowledged, left: Left): Promise<void> {
  const rows = new Map((await db.draft.findMany()).map((row) => [row.id, row]));
  expect([...told.submitted.keys()].filter((id) => !rows.has(id))).toEqual([]);
  const isIn = (id: string, statuses: string[]) => {
    const row = rows.get(id);
    // What an archive does not know of is parked where it was claimed, or still waits for what came after.
    if (left === 'archive' && row?.failureCode === 'rewound') return true;
    return statuses.includes((row?.status === 'erased' ? row.finalStatus : row?.status) ?? '');
  };
  const wrong = (ids: Iterable<string>, ...statuses: string[]) =>
    [...ids].filter((id) => !isIn(id, statuses)).map((id) => rows.get(id));
  expect(wrong(told.rejected, 'rejected')).toEqual([]);
  expect(wrong(told.withdrawn, 'withdrawn')).toEqual([]);
  const approved = [...told.approved].filter((id) => !told.withdrawn.has(id));
  // An erasure closes what is open, and erases what comes in after that as it is.
  const wasErased = [...rows.values()].filter(({ status }) => status === 'erased').map(({ id }) => id);
  const others = approved.filter((id) => !wasErased.includes(id));
  expect(wrong(others, 'sent', 'blocked', 'failed', 'withdrawn')).toEqual([]);
  const ends = ['sent', 'blocked', 'failed', 'withdrawn', 'approved', 'scheduled'];
  expect(
    wrong(
      approved.filter((id) => wasErased.includes(id)),
      ...ends,
    ),
  ).toEqual([]);
  for (const [id, revision] of told.revised) expect(rows.get(id)?.revision).toBeGreaterThanOrEqual(revision);
  if (left !== 'all') return;
  const events = async (one: typeof db) =>
    (await one.auditEvent.findMany({ select: { id: true } })).map(({ id }) => id);
  const here = new Set(await events(db));
  expect((await events(old.database.db)).filter((id) => !here.has(id))).toEqual([]);
}

/** Every mail is one of a draft that says so, and the other way round; only one whose conversation broke off, or of which
 *  nobody knows more than the journal, may be unsure. */
async function expectMailsKnown({ db }: RewoundService, left: Left): Promise<void> {
  const accepted = old.mail.draftIds;
  for (const { id, status, finalStatus, outcome, failureCode } of await db.draft.findMany()) {
    const was = status === 'erased' ? finalStatus : status;
    if (was === 'sent') expect([id, accepted.has(id)]).toEqual([id, true]);
    else if (accepted.has(id)) expect([id, was, outcome]).toEqual([id, 'failed', 'unknown']);
    if (left === 'all') expect([id, failureCode]).not.toEqual([id, 'rewound']);
  }
}

async function expectErased({ db }: RewoundService, told: Acknowledged): Promise<void> {
  for (const [email, requestId] of told.erased) {
    expect((await db.erasure.findUniqueOrThrow({ where: { id: requestId } })).status).toBe('certified');
    expect(await db.draft.count({ where: { to: email } })).toBe(0);
  }
}
