// A failover to a replica that lagged, with the worker at work: what was lost is noticed, and nothing leaves twice.
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { createWitness } from '../../activities/continuity/witness';
import { createAnnouncer } from '../../activities/outbox/announcer';
import { keepWitness } from '../../api/witness';
import { RandomHistory } from '../rewind/random-history';
import { createTestCommands } from '../support/commands';
import { openTestDatabase } from '../support/database';
import { oneOf } from '../support/one-of';
import { randomOf } from '../support/random';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { ReplicatedPostgres } from '../support/standby';
import { until, untilStill } from '../support/until';
import { openWay, type Way } from '../support/way';
import { expectWholeTrail } from '../support/whole-trail';
import { adopt, untilHeld } from './adopting';

let postgres: ReplicatedPostgres;
let way: Way;
let service: TestService;
const ending = { witness: new AbortController(), done: Promise.resolve() };

beforeEach(async () => {
  postgres = await ReplicatedPostgres.start();
  way = await openWay(postgres.primary.url);
  service = await TestService.create({ database: openTestDatabase(way.urlOf(postgres.databaseUrl)) });
  service.runWorker();
  const first = await service.submitDue('first@example.org');
  await service.draftIn('sent', first.id);
});
afterEach(async () => {
  ending.witness.abort();
  await ending.done;
  await expectWholeTrail(service.database.db, service.environment.BACKUP_URL ?? '');
  await service.endWorkers();
  await service.close();
  await way.close();
  await postgres.stop();
});

async function failOver(): Promise<void> {
  await postgres.failOver();
  way.turnTo(postgres.standby.url);
  await until('the database answers', () => service.database.db.instance.count().catch(() => null));
}
/** As an API process has them. */
function witnessedCommands() {
  const { db } = service.database;
  const witness = createWitness({ db, logger: pino({ level: 'silent' }) });
  ending.witness = new AbortController();
  ending.done = keepWitness(witness, ending.witness.signal);
  return createTestCommands(db, {}, createAnnouncer(db, witness).announce).commands;
}
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

const proof = oneOf(5);
proof('one transaction behind: a withdrawal that is lost does not let the mail out', async () => {
  const commands = witnessedCommands();
  const sendAt = inSeconds(8);
  const draft = await service.submitDue('withdrawn@example.org', { sendAt });
  await delay(1_500);
  await postgres.catchUp();
  await postgres.detach();
  await commands.withdrawDraft(service.author, { id: draft.id });
  await failOver();
  const { db } = service.database;
  expect(await untilHeld(db)).toBe('forgot_event');
  await until('it would be due', () => Date.now() > Date.parse(sendAt) + 2_000);
  // Its process, or nobody, knows better.
  expect(await adopt(db, service.temporal)).toMatchObject({ status: 'done' });
  await untilStill('no more mails go out', () => service.mail.accepted.length);
  expect(service.mail.acceptedFor('withdrawn@example.org')).toEqual([]);
  const next = await service.submitDue('next@example.org');
  await service.draftIn('sent', next.id);
});

proof('one batch behind: mails that had left are not sent again', async () => {
  service.mail.behave({ delay: 60 });
  await postgres.catchUp();
  await postgres.detach();
  const drafts = await Promise.all(Array.from({ length: 30 }, (_, n) => service.submitDue(`reader-${n}@example.org`)));
  await until('some have left', () => service.mail.accepted.length > 10);
  await failOver();
  const { db } = service.database;
  await untilHeld(db);
  expect(await db.draft.count({ where: { id: { in: drafts.map(({ id }) => id) } } })).toBe(0);
  expect(await adopt(db, service.temporal)).toMatchObject({ status: 'done' });
  expect(service.mail.repeated).toEqual([]);
  const next = await service.submitDue('next@example.org');
  await service.draftIn('sent', next.id);
});

proof('behind while mails are due: those that were claimed or opened in the lost time are parked', async () => {
  service.mail.behave({ delay: 200 });
  const sendAt = inSeconds(4);
  const ids: string[] = [];
  for (let n = 0; n < 60; n++) ids.push((await service.submitDue(`reader-${n}@example.org`, { sendAt })).id);
  await postgres.catchUp();
  await postgres.detach();
  await until('some have left', () => service.mail.accepted.length > 20);
  await failOver();
  const { db } = service.database;
  await untilHeld(db);
  expect(await adopt(db, service.temporal)).toMatchObject({ status: 'done' });
  await untilStill('no more mails go out', () => service.mail.accepted.length);
  expect(service.mail.repeated).toEqual([]);
  const left = await db.draft.groupBy({ by: ['status'], where: { id: { in: ids } }, _count: true });
  expect(left.map(({ status }) => status).filter((status) => !['failed', 'sent'].includes(status))).toEqual([]);
});

proof('a minute behind: whatever was sent and decided in it is neither repeated nor undone', async () => {
  service.mail.behave({ delay: 20 });
  const history = new RandomHistory(service, randomOf(Date.now() % 100_000));
  await history.act(10);
  await postgres.catchUp();
  await postgres.detach();
  const begun = Date.now();
  do await history.act(10);
  while (Date.now() - begun < (isLongRun ? 60_000 : 6_000));
  await failOver();
  const { db } = service.database;
  await untilHeld(db);
  expect(await adopt(db, service.temporal)).toMatchObject({ status: 'done' });
  await untilStill('no more mails go out', () => service.mail.accepted.length);
  expect(service.mail.repeated).toEqual([]);
  const sent = service.mail.draftIds;
  const { withdrawn, rejected } = history.told;
  expect([...withdrawn, ...rejected].filter((id) => sent.has(id))).toEqual([]);
});

proof('without loss it goes on by itself', async () => {
  service.mail.behave({ delay: 30 });
  const drafts = await Promise.all(Array.from({ length: 20 }, (_, n) => service.submitDue(`reader-${n}@example.org`)));
  for (const { id } of drafts) await service.draftIn('sent', id);
  await delay(1_500);
  await postgres.catchUp();
  await failOver();
  const { db } = service.database;
  const next = await service.submitDue('next@example.org');
  await service.draftIn('sent', next.id);
  expect(await db.instance.findUniqueOrThrow({ where: { id: 1 } })).toMatchObject({ heldCode: null, generation: 1 });
  expect(service.mail.repeated).toEqual([]);
});
