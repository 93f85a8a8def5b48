// A database that went back in time by other means than a restore of ours: its mail is held, and one command brings it back.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { draftApprovalId } from '../../workflows/contracts/draft-approval';
import { openTestDatabase, type TestDatabase } from '../support/database';
import { expectEachMailOnce } from '../support/mail-count';
import { oneOf } from '../support/one-of';
import { type OwnServer, startOwnPostgres } from '../support/own-server';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until, untilStill } from '../support/until';
import { adopt, copyInPlace, untilHeld } from './adopting';

let service: TestService;
let server: OwnServer | null = null;
let copy: TestDatabase | null = null;
afterEach(async () => {
  await service.endWorkers();
  await copy?.drop();
  await service.close();
  await server?.stop();
  [server, copy] = [null, null];
});

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
const mailsTo = (to: string) => service.mail.acceptedFor(to).length;

const isHeld = oneOf(6);
isHeld('a folder that was copied back sends nothing again, and nothing that was withdrawn since', async () => {
  const own = await startOwnPostgres();
  server = own.server;
  const data = join(own.server.folder, 'data');
  service = await TestService.create({ database: openTestDatabase(own.databaseUrl) });
  service.runWorker();
  const first = await service.submitDue('first@example.org');
  await service.draftIn('sent', first.id);
  const sendAt = inSeconds(6);
  const five = await Promise.all([1, 2, 3, 4, 5].map((n) => service.submitDue(`reader-${n}@example.org`, { sendAt })));
  const sixth = await service.submitDue('sixth@example.org', { sendAt: inSeconds(12) });
  await service.endWorkers();
  await own.server.stop();
  execFileSync('cp', ['-Rp', data, `${data}.kept`]);

  await own.server.startAgain();
  service.runWorker();
  await service.test.commands.withdrawDraft(service.author, { id: sixth.id });
  for (const { id } of five) await service.draftIn('sent', id);
  await service.endWorkers();
  await own.server.stop();
  execFileSync('sh', ['-c', 'rm -rf "$0" && mv "$0.kept" "$0"', data]);
  await own.server.startAgain();

  const { db } = service.database;
  await until('the database answers', () => db.instance.count().catch(() => null));
  service.runWorker();
  expect(await untilHeld(db)).toBe('behind_journal');
  await until('all would be due', () => Date.now() > Date.parse(sendAt) + 7_000);
  expect(service.mail.accepted).toHaveLength(6);
  // Commands and reads go on.
  const next = await service.submitDue('next@example.org');

  const run = await adopt(db, service.temporal);
  expect(run).toMatchObject({ status: 'done', result: { parked: 6, generation: 2, journalComplete: true } });
  const codes = await db.draft.groupBy({ by: ['failureCode'], where: { status: 'failed' }, _count: true });
  expect(codes.map(({ failureCode, _count }) => [failureCode, _count]).sort()).toEqual([
    ['rewound', 5],
    ['unconfirmed', 1],
  ]);
  // It was submitted after mail had been held.
  await service.draftIn('sent', next.id);
  await untilStill('no more mails go out', () => service.mail.accepted.length);
  expect(mailsTo('sixth@example.org')).toBe(0);
  await expectEachMailOnce(service);
});

isHeld('a dump that was brought into a fresh database is held, whatever it lost', async () => {
  service = await TestService.create();
  service.runWorker();
  const before = await service.submitDue('before@example.org');
  await service.draftIn('sent', before.id);
  const review = await service.submitForReview('rejected@example.org');
  const dump = await copyInPlace(service.database);
  copy = dump;
  await service.test.commands.rejectDraft(service.approver, { id: review.id, reason: 'no' });
  await until('its process has ended, and is listed so', async () => {
    const ended = `WorkflowId = '${draftApprovalId(review.id)}' AND ExecutionStatus = 'Completed'`;
    for await (const _ of service.temporal.client.workflow.list({ query: ended })) return true;
    return false;
  });
  const lost = await service.submitForReview('lost@example.org');
  await service.approve(lost);
  await service.draftIn('sent', lost.id);
  await service.endWorkers();

  service.runWorker({ DATABASE_URL: dump.url });
  expect(await untilHeld(dump.db)).toBe('behind_journal');
  expect(await adopt(dump.db, service.temporal)).toMatchObject({ status: 'done', result: { ended: 1, parked: 0 } });
  // Its process knew.
  expect(await dump.db.draft.findUniqueOrThrow({ where: { id: review.id } })).toMatchObject({ status: 'rejected' });
  expect(service.mail.repeated).toEqual([]);
});

isHeld('where no lane had claimed anything since, the audit anchors tell', async () => {
  service = await TestService.create();
  service.runWorker();
  const sent = await service.submitDue('sent@example.org');
  await service.draftIn('sent', sent.id);
  const scheduled = await service.submitDue('scheduled@example.org', { sendAt: inSeconds(20) });
  const old = await copyInPlace(service.database);
  copy = old;
  await service.test.commands.withdrawDraft(service.author, { id: scheduled.id });
  const { db } = service.database;
  await db.auditProgress.updateMany({ data: { anchoredAt: new Date(0) } });
  const head = await until('the withdrawal is anchored', async () => {
    const { anchored } = await db.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
    return anchored > (await old.db.auditProgress.findUniqueOrThrow({ where: { id: 1 } })).anchored;
  });
  expect(head).toBe(true);
  await service.endWorkers();

  service.runWorker({ DATABASE_URL: old.url });
  expect(await untilHeld(old.db)).toBe('behind_audit_anchors');
  expect(await adopt(old.db, service.temporal)).toMatchObject({ status: 'done', result: { parked: 1 } });
  // A start after that finds nothing any more.
  await service.endWorkers();
  service.runWorker({ DATABASE_URL: old.url });
  const next = await service.test.commands.submitDraft(service.author, {
    to: 'gone@example.org',
    subject: 's',
    body: 'b',
  });
  expect(next.status).toBe('pending_review');
  await until('the worker works', async () => {
    const { temporalNamespaceId } = await old.db.instance.findUniqueOrThrow({ where: { id: 1 } });
    return temporalNamespaceId !== null;
  });
  expect(await old.db.instance.findUniqueOrThrow({ where: { id: 1 } })).toMatchObject({ heldCode: null });
  expect(mailsTo('scheduled@example.org')).toBe(0);
});

isHeld('one that went back to before the first claim is held too', async () => {
  service = await TestService.create();
  const draft = await service.submitDue('first@example.org');
  const old = await copyInPlace(service.database);
  copy = old;
  service.runWorker();
  await service.draftIn('sent', draft.id);
  await service.endWorkers();
  service.runWorker({ DATABASE_URL: old.url });
  expect(await untilHeld(old.db)).toBe('behind_journal');
  expect(await adopt(old.db, service.temporal)).toMatchObject({ status: 'done', result: { parked: 1 } });
  await untilStill('no more mails go out', () => service.mail.accepted.length);
  expect(mailsTo('first@example.org')).toBe(1);
});

isHeld('whoever was erased in the lost time stays erased', async () => {
  service = await TestService.create();
  const email = 'erased@example.org';
  service.runWorker();
  const draft = await service.submitDue(email);
  await service.draftIn('sent', draft.id);
  const { requestId } = await service.test.commands.requestErasure(service.test.admin, { email, grace: 'PT0S' });
  const old = await copyInPlace(service.database);
  copy = old;
  await until('the erasure is certified', async () => {
    const { status } = await service.database.db.erasure.findUniqueOrThrow({ where: { id: requestId } });
    return status === 'certified';
  });
  expect(await old.db.erasure.findUniqueOrThrow({ where: { id: requestId } })).not.toMatchObject({
    status: 'certified',
  });
  await service.endWorkers();
  service.runWorker({ DATABASE_URL: old.url });
  await untilHeld(old.db);
  expect(await adopt(old.db, service.temporal)).toMatchObject({ status: 'done' });
  expect(await old.db.erasure.findUniqueOrThrow({ where: { id: requestId } })).toMatchObject({ status: 'certified' });
  expect(await old.db.draft.count({ where: { to: email } })).toBe(0);
});

isHeld('restarts, kills and upgrades hold nothing', async () => {
  const own = await startOwnPostgres();
  server = own.server;
  service = await TestService.create({ database: openTestDatabase(own.databaseUrl) });
  const { db } = service.database;
  for (let round = 0; round < (isLongRun ? 12 : 6); round++) {
    const worker = service.startWorker();
    const mails = await Promise.all([1, 2, 3].map((n) => service.submitDue(`reader-${round}-${n}@example.org`)));
    if (round % 3 === 0) await worker.kill();
    if (round % 3 === 1) await own.server.kill();
    if (round % 3 === 1) await own.server.startAgain();
    await until('the database answers', () => db.instance.count().catch(() => null));
    if (round % 3 === 0) service.startWorker();
    await until(
      'each is sent or parked',
      async () => {
        const open = await db.draft
          .count({ where: { id: { in: mails.map(({ id }) => id) }, status: { notIn: ['sent', 'failed'] } } })
          .catch(() => 1);
        return open === 0;
      },
      60_000,
    );
    await service.endWorkers();
    expect(await db.instance.findUniqueOrThrow({ where: { id: 1 } })).toMatchObject({ heldCode: null });
  }
  await expectEachMailOnce(service);
});
