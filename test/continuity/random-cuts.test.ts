// Random histories in which the database goes back to a moment of its past, again and again, by other means than ours.
import { setTimeout as delay } from 'node:timers/promises';
import { readHeld } from '../../activities/continuity/hold';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import { MAIL_LANE } from '../../workflows/contracts/lane';
import { RandomHistory } from '../rewind/random-history';
import { SETTINGS } from '../support/commands';
import type { TestDatabase } from '../support/database';
import { randomOf } from '../support/random';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until, untilStill } from '../support/until';
import { expectWholeTrail } from '../support/whole-trail';
import { adopt, copyInPlace } from './adopting';

const SEEDS = isLongRun ? Array.from({ length: 20 }, (_, n) => n + 1) : [Date.now() % 100_000];
const CUTS = isLongRun ? 10 : 2;
const ACTS = 24;
const KILLS = 0.3;
/** The worker has looked by then. */
const LOOKS_WITHIN_MS = 20_000;

let service: TestService;
afterEach(() => service.close());

it.each(SEEDS)(`history %i keeps every promise through ${CUTS} cuts`, async (seed) => {
  const random = randomOf(seed);
  service = await TestService.create();
  service.mail.behave({ delay: 15 });
  const history = new RandomHistory(service, random);
  let held = 0;
  for (let cut = 0; cut < CUTS; cut++) {
    const worker = service.startWorker();
    await untilWorks();
    await history.act(Math.floor(random() * ACTS));
    const copy = await copyInPlace(service.database);
    await history.act(Math.floor(random() * ACTS));
    await delay(random() * 800);
    const isKilled = random() < KILLS;
    if (isKilled) {
      await anchored();
      await worker.kill();
    } else await worker.stop();

    const hasLost = await isBehind(copy, service.database, isKilled);
    await service.goOnIn(copy);
    service.startWorker();
    await untilWorks();
    const why = await readHeld(copy.db);
    if (hasLost) expect([cut, why?.code]).toEqual([cut, expect.any(String)]);
    if (why) {
      held += 1;
      expect(await adopt(copy.db, service.temporal)).toMatchObject({ status: 'done' });
    }
    await service.endWorkers();
  }
  expect(held).toBeGreaterThan(0);
  service.startWorker();
  await untilStill('no more mails go out', () => service.mail.accepted.length);

  expect(service.mail.repeated).toEqual([]);
  const { withdrawn, rejected } = history.told;
  const sent = service.mail.draftIds;
  expect([...withdrawn, ...rejected].filter((id) => sent.has(id))).toEqual([]);
  await expectErasedStayErased();
  await expectWholeTrail(service.database.db, service.environment.BACKUP_URL ?? '');
});

/** It has looked whether the database is where it was: it holds mail, or works. */
async function untilWorks(): Promise<void> {
  const { db } = service.database;
  await until(
    'the worker has looked',
    async () => {
      const { temporalNamespaceId, heldCode } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
      if (heldCode !== null) return true;
      const { owner } = await db.lane.findUniqueOrThrow({ where: { name: MAIL_LANE } });
      return (
        temporalNamespaceId !== null && owner !== null && service.processes.at(-1)?.log.includes('The worker works')
      );
    },
    LOOKS_WITHIN_MS,
  );
}

/** What was committed before a kill is anchored within a minute; here at once. */
async function anchored(): Promise<void> {
  const { db } = service.database;
  await until('the head is anchored', async () => {
    await db.auditProgress.updateMany({ data: { anchoredAt: new Date(0) } });
    const newest = await db.auditEvent.count();
    return (await db.auditProgress.findUniqueOrThrow({ where: { id: 1 } })).anchored >= newest;
  });
}

/** What a worker committed between its last anchor and its kill is missed by nobody. */
async function isBehind(copy: TestDatabase, { db }: TestDatabase, isKilled: boolean): Promise<boolean> {
  const { anchored: position } = await db.auditProgress.findUniqueOrThrow({ where: { id: 1 } });
  const newest = isKilled
    ? (await db.auditSeal.findUnique({ where: { position } }))?.eventId
    : (await db.auditEvent.findFirst({ orderBy: { position: 'desc' } }))?.id;
  return newest !== undefined && (await copy.db.auditEvent.count({ where: { id: newest } })) === 0;
}

async function expectErasedStayErased(): Promise<void> {
  const { BACKUP_URL = '' } = service.environment;
  const { db } = service.database;
  for await (const { requestId } of openLedger({ BACKUP_URL, SECRET_KEY: SETTINGS.SECRET_KEY }).entries()) {
    expect((await db.erasure.findUniqueOrThrow({ where: { id: requestId } })).status).toBe('certified');
  }
}
