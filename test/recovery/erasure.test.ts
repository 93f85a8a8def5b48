// An erasure whose worker is killed and frozen in every step, and whose servers are killed: it is certified once, nothing of
// the person is left, and everybody else's data and mail are whole.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { storeAttachment } from '../../activities/attachments';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import type { SignedCertificate } from '../../activities/user-erasure/certificate';
import { ERASURE_STEPS } from '../../workflows/contracts/user-erasure';
import { collect } from '../support/collect';
import { SETTINGS } from '../support/commands';
import { openTestDatabase } from '../support/database';
import { expectEachMailOnce } from '../support/mail-count';
import { type OwnServer, startOwnPostgres, startOwnTemporal } from '../support/own-server';
import type { ServiceProcess } from '../support/processes';
import { inLongRuns, isLongRun } from '../support/servers';
import { until } from '../support/until';
import { ErasureService } from '../user-erasure/erasure-service';

const DRAFTS = isLongRun ? 240 : 60;
const ACTS = isLongRun ? (['kill', 'kill', 'freeze'] as const) : (['kill'] as const);
/** A lost worker is noticed after half a minute: few in `npm test`. */
const STRUCK = isLongRun ? ERASURE_STEPS : (['postgres'] as const);
const STRIKES = STRUCK.flatMap((step) => ACTS.map((act) => ({ step, act })));
const LATER_MS = 400;
const EMAIL = 'ada@customer.example';
const ENDS_WITHIN_MS = 300_000;

let service: ErasureService;
const servers: OwnServer[] = [];
afterEach(async () => {
  await service?.close();
  for (const server of servers.splice(0)) await server.stop();
});

interface Others {
  /** By id: what must stand there at the end. */
  bodies: Map<string, string>;
}

/** To the person, mentioning them, and of others; sent, open and due. */
async function populate(): Promise<Others> {
  const { base } = service;
  const bodies = new Map<string, string>();
  for (let i = 0; i < DRAFTS; i++) {
    const to = i % 3 === 0 ? EMAIL : `reader-${i}@other.example`;
    const mentions = i % 3 === 1;
    const body = mentions ? `Letter ${i}: ask ${EMAIL}` : `Letter ${i}`;
    const attachments = i % 5 === 0 ? [await upload(i % 2 ? `File ${i}` : `File ${i} about ${EMAIL}`)] : [];
    const { id } = await (i % 2
      ? base.submitDue(to, { body, attachments })
      : base.submitForReview(to, { body, attachments }));
    if (to !== EMAIL) bodies.set(id, body.replace(EMAIL, '[erased]'));
  }
  await service.commands.createKey(service.admin, { name: 'Ada herself', email: EMAIL, roles: ['approver'] });
  return { bodies };
}

async function upload(content: string): Promise<string> {
  const { base, files } = service;
  const bytes = Buffer.from(content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = { name: 'notes.txt', type: 'text/plain', size: bytes.length, sha256 };
  const received = { ...file, read: () => Readable.from([bytes]), discard: async () => {} };
  const record = () => service.commands.recordAttachment(base.author, file);
  return (await storeAttachment({ db: base.database.db, files }, received, record)).id;
}

/** Waits while a database that was killed comes back. */
const persist = <T>(what: string, ask: () => Promise<T>) => until(what, () => ask().catch(() => null));

async function isOver(requestId: string): Promise<boolean> {
  const { endedAt } = await persist('the erasure is read', () => service.look(requestId));
  return endedAt !== null;
}

/** What the trail has: grows with all that is done. */
const countEvents = () => persist('the trail is read', () => service.base.database.db.auditEvent.count());

/** The journal's second entry of each step takes a moment, in which its store has been gone through and nobody knows. */
const SLOW_JOURNAL = `
  CREATE FUNCTION slow_journal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$;
  CREATE TRIGGER slow_journal BEFORE UPDATE ON erasure_steps FOR EACH ROW WHEN (NEW.finished_at IS NOT NULL)
    EXECUTE FUNCTION slow_journal();`;

/** Somewhere in this step. */
const inStep = (requestId: string, step: string) =>
  until(
    `it is in ${step}`,
    async () =>
      (await isOver(requestId)) ||
      (await service.base.database.db.erasureStep.count({ where: { erasureId: requestId, step, finishedAt: null } })) >
        0,
    ENDS_WITHIN_MS,
  );

const stepStarted = async (requestId: string, step: string) =>
  (await service.look(requestId)).steps.find((one) => one.step === step)?.startedAt;

async function expectAllDone(requestId: string, { bodies }: Others): Promise<void> {
  const { db } = service.base.database;
  const { status, steps } = await service.ended(requestId, ENDS_WITHIN_MS);
  expect(status).toBe('certified');
  expect(steps.map(({ step }) => step).sort()).toEqual([...ERASURE_STEPS].sort());
  expect(steps.filter(({ finishedAt }) => finishedAt === null)).toEqual([]);

  const person = service.person(EMAIL);
  for (const store of service.stores)
    expect([store.name, await collect(store.export(person))]).toEqual([store.name, []]);
  const own = await db.draft.findMany({ where: { id: { notIn: [...bodies.keys()] } } });
  expect(own.filter(({ status, to }) => status !== 'erased' || to !== null)).toEqual([]);
  for (const [id, body] of bodies)
    expect(await service.base.draft(id)).toMatchObject({ body, to: expect.stringMatching(/^reader-/) });

  const erased = await db.auditEvent.groupBy({ by: ['subjectId'], where: { type: 'draft.erased' }, _count: true });
  expect(erased).toHaveLength(own.length);
  expect(erased.filter(({ _count }) => _count !== 1)).toEqual([]);
  expect(await db.auditEvent.count({ where: { type: 'erasure.certified' } })).toBe(1);
  const entries: string[] = [];
  const ledger = openLedger({
    BACKUP_URL: service.base.environment.BACKUP_URL as string,
    SECRET_KEY: SETTINGS.SECRET_KEY,
  });
  for await (const entry of ledger.entries()) entries.push(entry.requestId);
  expect(entries).toEqual([requestId]);
  const { certificate } = await db.erasure.findUniqueOrThrow({ where: { id: requestId } });
  expect(
    (certificate as unknown as SignedCertificate).certificate.stores.find(({ store }) => store === 'postgres')?.erased,
  ).toBe(own.length);
}

/** Mails of others that were due are out, each once; none to the person. */
async function expectMails({ bodies }: Others): Promise<void> {
  const { base } = service;
  await until(
    'what is due is out',
    async () => (await base.database.db.draft.count({ where: { status: 'scheduled' } })) === 0,
  );
  await expectEachMailOnce(base);
  const parked = await base.database.db.draft.findMany({
    where: { id: { in: [...bodies.keys()] }, status: 'blocked' },
  });
  expect(parked).toEqual([]);
}

it('a worker that is killed and frozen over and over certifies it once, and harms nobody', async () => {
  service = await ErasureService.create();
  const { base } = service;
  base.mail.behave({ delay: 20 });
  await base.database.pool.query(SLOW_JOURNAL);
  const others = await populate();
  const { requestId } = await service.request(EMAIL, 'PT0S');
  const sentBefore = base.mail.accepted.filter(({ recipient }) => recipient === EMAIL).length;
  let worker: ServiceProcess = base.startWorker();
  for (const { step, act } of STRIKES) {
    await inStep(requestId, step);
    await delay(Math.random() * LATER_MS);
    if (await isOver(requestId)) break;
    const struck = worker;
    if (act === 'kill') await struck.kill();
    else struck.freeze();
    const before = await stepStarted(requestId, step);
    worker = base.startWorker({ WORKER_METRICS_PORT: '0' });
    if (act === 'kill') continue;
    // It wakes up beside its successor.
    await until(
      'the successor goes on',
      async () => (await isOver(requestId)) || (await stepStarted(requestId, step)) !== before,
      ENDS_WITHIN_MS,
    );
    struck.thaw();
  }
  await expectAllDone(requestId, others);
  await expectMails(others);
  expect(base.mail.accepted.filter(({ recipient }) => recipient === EMAIL)).toHaveLength(sentBefore);
}, 1_800_000);

inLongRuns('PostgreSQL and Temporal killed in the middle hold it up, and change nothing about its end', async () => {
  const own = await startOwnPostgres();
  const temporal = await startOwnTemporal();
  servers.push(own.server, temporal);
  service = await ErasureService.create({
    database: openTestDatabase(own.databaseUrl),
    temporalAddress: temporal.address,
  });
  const others = await populate();
  const { requestId } = await service.request(EMAIL, 'PT0S');
  service.base.startWorker();
  for (const server of servers) {
    const events = await countEvents();
    await until(
      'something is done',
      async () => (await isOver(requestId)) || (await countEvents()) >= events + 5,
      ENDS_WITHIN_MS,
    );
    await server.kill();
    await server.startAgain();
  }
  await persist('the database answers', () => service.base.tally());
  await expectAllDone(requestId, others);
  await expectMails(others);
});
