import { draftApprovalId } from '../../workflows/contracts/draft-approval';
import { openTestDatabase } from '../support/database';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { type OwnServer, startOwnPostgres, startOwnTemporal } from '../support/own-server';
import { isLongRun } from '../support/servers';
import { HASTY, TestService } from '../support/service';
import { until, untilStill } from '../support/until';

const DRAFTS = isLongRun ? 600 : 60;
const KILLS = isLongRun ? 6 : 1;

let service: TestService;
let server: OwnServer;
afterEach(async () => {
  await service?.close();
  await server?.stop();
});

/** Half of the drafts go out by policy, half by a person's approval. */
async function submitAll(from: number, to: number) {
  for (let i = from; i < to; i++) {
    if (i % 2) await service.submitDue(`reader-${i}@example.org`);
    else await service.approve(await service.submitForReview(`reader-${i}@example.org`));
  }
}

const mailsAreOut = (count: number) => until(`${count} mails are out`, () => service.mail.accepted.length >= count);

async function freeze(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
  server.freeze();
  await untilStill('no more mails go out', () => service.mail.accepted.length);
  await meanwhile();
  expect(service.mail.accepted.length).toBeLessThan(DRAFTS);
  server.thaw();
}

it('PostgreSQL frozen and thawed holds everything up for that time; killed, it loses no draft and sends none twice', async () => {
  const own = await startOwnPostgres();
  server = own.server;
  service = await TestService.create({ database: openTestDatabase(own.databaseUrl) });
  service.mail.behave({ delay: 30 });
  await submitAll(0, DRAFTS);
  service.runWorker();
  const mark = (trouble: number) => Math.floor((DRAFTS * trouble) / (KILLS + 3));
  await mailsAreOut(mark(1));
  await freeze();
  await mailsAreOut(mark(2));
  expect((await service.tally()).failed ?? 0).toBe(0);
  for (let kill = 1; kill <= KILLS; kill++) {
    await mailsAreOut(mark(2 + kill));
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

it('a worker that is asked to stop while PostgreSQL is away leaves what tries again to the next one', async () => {
  const own = await startOwnPostgres();
  server = own.server;
  service = await TestService.create({ database: openTestDatabase(own.databaseUrl) });
  service.runWorker();
  const { id } = await service.submitForReview('reader@example.org', { confidence: HASTY });
  const process = service.temporal.client.workflow.getHandle(draftApprovalId(id));
  await until('its process runs', () => process.describe().catch(() => null));
  await server.kill();
  await until('it has tried in vain to expire it', async () => {
    const { events } = await process.fetchHistory();
    const deadline = events?.findIndex(({ timerFiredEventAttributes: fired }) => fired) ?? -1;
    return deadline >= 0 && events?.slice(deadline).some((event) => event.workflowTaskCompletedEventAttributes);
  });
  await service.endWorkers();
  await server.startAgain();
  service.runWorker();
  await service.draftIn('expired', id);
});

it('Temporal frozen or killed stops neither submissions nor decisions, and all proceeds when it is back, each once', async () => {
  server = await startOwnTemporal();
  service = await TestService.create({ temporalAddress: server.address });
  service.mail.behave({ delay: 30 });
  const part = (trouble: number) => Math.floor((DRAFTS * trouble) / (KILLS + 2));
  async function submitPart(trouble: number): Promise<void> {
    const started = Date.now();
    await submitAll(part(trouble), part(trouble + 1));
    expect(Date.now() - started).toBeLessThan(10_000);
  }
  await submitPart(0);
  service.runWorker();
  await mailsAreOut(3);
  await freeze(() => submitPart(1));
  for (let kill = 1; kill <= KILLS; kill++) {
    await mailsAreOut(3 + kill * 3);
    await server.kill();
    await submitPart(1 + kill);
    await server.startAgain();
  }
  expect(await everyDraftEnds(service)).toEqual([]);
  await expectEachMailOnce(service);
  expect(service.mail.accepted).toHaveLength(DRAFTS);
});
