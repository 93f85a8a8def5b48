// Random histories, cut at a random moment, with a real worker and a real mail server: each draft has at most one mail in both
// lives together, each acknowledged word is there, and nobody who was erased comes back.
import { setTimeout as delay } from 'node:timers/promises';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { type Acknowledged, RandomHistory, randomOf } from './random-history';
import { RewoundService } from './rewound-service';

const SEEDS = isLongRun ? Array.from({ length: 30 }, (_, i) => i + 1) : [Date.now() % 100_000];
const ACTS = isLongRun ? 150 : 60;
const ENDS_WITHIN_MS = 120_000;

let old: TestService;
let restored: RewoundService | null = null;
afterEach(async () => {
  for (const process of old.processes) await process.kill();
  await restored?.close();
  restored = null;
  await old.close();
});

const mailsTo = (email: string) => old.mail.acceptedFor(email).length;

it.each(SEEDS)('history %i keeps every promise', async (seed) => {
  const random = randomOf(seed);
  old = await TestService.create();
  old.mail.behave({ delay: 15 });
  const history = new RandomHistory(old, random);
  const worker = old.startWorker();
  const before = Math.floor(random() * ACTS);
  await history.act(before);
  restored = await RewoundService.cut(old);
  await history.act(ACTS - before);
  await delay(random() * 1_500);
  if (random() < 0.3) await worker.kill();
  else await worker.stop();

  const { told } = history;
  const silenced = [...told.suppressed, ...told.erased.keys()];
  const until = new Map(silenced.map((email) => [email, mailsTo(email)]));
  await restored.bringBack();
  restored.startWorker();
  await untilSettled(restored);

  expect(old.mail.repeated).toEqual([]);
  await expectWordsKept(restored, told);
  await expectMailsKnown(restored);
  for (const [email, mails] of until) expect([email, mailsTo(email)]).toEqual([email, mails]);
  await expectErased(restored, told);
});

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

async function expectWordsKept({ db }: RewoundService, told: Acknowledged): Promise<void> {
  const rows = new Map((await db.draft.findMany()).map((row) => [row.id, row]));
  expect([...told.submitted.keys()].filter((id) => !rows.has(id))).toEqual([]);
  const isIn = (id: string, statuses: string[]) =>
    statuses.includes((rows.get(id)?.status === 'erased' ? rows.get(id)?.finalStatus : rows.get(id)?.status) ?? '');
  const wrong = (ids: Iterable<string>, ...statuses: string[]) => [...ids].filter((id) => !isIn(id, statuses));
  expect(wrong(told.rejected, 'rejected')).toEqual([]);
  expect(wrong(told.withdrawn, 'withdrawn')).toEqual([]);
  const approved = [...told.approved].filter((id) => !told.withdrawn.has(id));
  // An erasure closes what is open.
  expect(wrong(approved, 'sent', 'blocked', 'failed', 'withdrawn')).toEqual([]);
  const waiting = [...told.submitted].filter(([id]) => isIn(id, ['pending_review', 'changes_requested']));
  for (const [id] of waiting) expect(rows.get(id)?.needsPeople).toBe(true);
  for (const [id, revision] of told.revised) expect(rows.get(id)?.revision).toBeGreaterThanOrEqual(revision);
  const events = async (one: typeof db) =>
    (await one.auditEvent.findMany({ select: { id: true } })).map(({ id }) => id);
  const here = new Set(await events(db));
  expect((await events(old.database.db)).filter((id) => !here.has(id))).toEqual([]);
  for (const { type, _count } of await db.auditEvent.groupBy({
    by: ['type'],
    where: { type: 'draft.parked' },
    _count: true,
  })) {
    expect([type, _count]).toEqual([type, expect.any(Number)]);
  }
}

/** Every mail is one of a draft that says so, and the other way round; only one whose conversation broke off may be unsure. */
async function expectMailsKnown({ db }: RewoundService): Promise<void> {
  const accepted = new Set(old.mail.accepted.map(({ messageId }) => /<([0-9a-f-]{36})@/.exec(messageId ?? '')?.[1]));
  for (const { id, status, finalStatus, outcome } of await db.draft.findMany()) {
    const was = status === 'erased' ? finalStatus : status;
    if (was === 'sent') expect([id, accepted.has(id)]).toEqual([id, true]);
    else if (accepted.has(id)) expect([id, was, outcome]).toEqual([id, 'failed', 'unknown']);
  }
}

async function expectErased({ db }: RewoundService, told: Acknowledged): Promise<void> {
  for (const [email, requestId] of told.erased) {
    expect((await db.erasure.findUniqueOrThrow({ where: { id: requestId } })).status).toBe('certified');
    expect(await db.draft.count({ where: { to: email } })).toBe(0);
    const rest = await db.draft.findMany({
      where: { id: { in: [...told.submitted].filter(([, to]) => to === email).map(([id]) => id) } },
    });
    expect(rest.length).toBeGreaterThanOrEqual(0);
  }
}
