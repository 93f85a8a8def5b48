import { openTestDatabase } from '../support/database';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { type OwnServer, startOwnPostgres, startOwnTemporal } from '../support/own-server';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until, untilStill } from '../support/until';

const DRAFTS = isLongRun ? 600 : 60;
const KILLS = isLongRun ? 6 : 1;

let service: TestService;
let server: OwnServer | undefined;
afterEach(async () => {
  await service?.close();
  await server?.stop();
  server = undefined;
});

/** Half of the drafts go out by policy, half by a person's approval. */
async function submitAll(from: number, to: number) {
  for (let i = from; i < to; i++) {
    if (i % 2) await service.submitDue(`reader-${i}@example.org`);
    else await service.approve(await service.submitForReview(`reader-${i}@example.org`));
  }
}

describe('PostgreSQL killed in the middle', () => {
  it('loses no draft and sends none twice', async () => {
    const own = await startOwnPostgres();
    server = own.server;
    service = await TestService.create({ database: openTestDatabase(own.databaseUrl) });
    service.mail.behave({ delay: 30 });
    await submitAll(0, DRAFTS);
    service.startWorker();
    for (let kill = 1; kill <= KILLS; kill++) {
      const mark = Math.floor((DRAFTS * kill) / (KILLS + 2));
      await until('some mails are out', () => service.mail.accepted.length >= mark);
      await server.kill();
      await server.startAgain();
    }
    await until('the database answers', () =>
      service.tally().then(
        () => true,
        () => false,
      ),
    );
    await everyDraftEnds(service);
    await expectEachMailOnce(service);
  });
});

describe('Temporal killed in the middle', () => {
  it('stops neither submissions nor decisions, and all proceeds when it is back, each once', async () => {
    server = await startOwnTemporal();
    service = await TestService.create({ temporalAddress: server.address });
    service.mail.behave({ delay: 30 });
    await submitAll(0, DRAFTS / 2);
    service.startWorker();
    for (let kill = 1; kill <= KILLS; kill++) {
      await until('some mails are out', () => service.mail.accepted.length >= kill * 3);
      await server.kill();
      const from = DRAFTS / 2 + Math.floor(((kill - 1) * DRAFTS) / 2 / KILLS);
      const started = Date.now();
      await submitAll(from, DRAFTS / 2 + Math.floor((kill * DRAFTS) / 2 / KILLS));
      expect(Date.now() - started).toBeLessThan(10_000);
      await server.startAgain();
    }
    expect(await everyDraftEnds(service)).toEqual([]);
    await expectEachMailOnce(service);
    expect(service.mail.accepted).toHaveLength(DRAFTS);
  });
});

describe('PostgreSQL frozen and thawed in the middle', () => {
  it('holds everything up for that time, loses nothing and sends none twice', async () => {
    const own = await startOwnPostgres();
    server = own.server;
    service = await TestService.create({ database: openTestDatabase(own.databaseUrl) });
    service.mail.behave({ delay: 30 });
    await submitAll(0, DRAFTS);
    service.startWorker();
    for (let freeze = 1; freeze <= KILLS; freeze++) {
      const mark = Math.floor((DRAFTS * freeze) / (KILLS + 2));
      await until('some mails are out', () => service.mail.accepted.length >= mark);
      server.freeze();
      await untilStill('no more mails go out', () => service.mail.accepted.length);
      expect(service.mail.accepted.length).toBeLessThan(DRAFTS);
      server.thaw();
    }
    expect(await everyDraftEnds(service)).toEqual([]);
    await expectEachMailOnce(service);
    expect(service.mail.accepted).toHaveLength(DRAFTS);
  });
});

describe('Temporal frozen and thawed in the middle', () => {
  it('stops neither submissions nor decisions, and all proceeds when it is back, each once', async () => {
    server = await startOwnTemporal();
    service = await TestService.create({ temporalAddress: server.address });
    service.mail.behave({ delay: 30 });
    await submitAll(0, DRAFTS / 2);
    service.startWorker();
    await until('some mails are out', () => service.mail.accepted.length >= 3);
    server.freeze();
    await untilStill('no more mails go out', () => service.mail.accepted.length);
    const started = Date.now();
    await submitAll(DRAFTS / 2, DRAFTS);
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(service.mail.accepted.length).toBeLessThan(DRAFTS);
    server.thaw();
    expect(await everyDraftEnds(service)).toEqual([]);
    await expectEachMailOnce(service);
    expect(service.mail.accepted).toHaveLength(DRAFTS);
  });
});
