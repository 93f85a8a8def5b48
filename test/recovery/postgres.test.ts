import { draftApprovalId } from '../../workflows/contracts/draft-approval';
import { openTestDatabase } from '../support/database';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { type OwnServer, startOwnPostgres } from '../support/own-server';
import { HASTY, TestService } from '../support/service';
import { until } from '../support/until';
import { DRAFTS, freeze, KILLS, mailsAreOut, submitAll } from './struck-server';

let service: TestService;
let server: OwnServer;
afterEach(async () => {
  await service?.close();
  await server?.stop();
});

it('PostgreSQL frozen and thawed holds everything up for that time; killed, it loses no draft and sends none twice', async () => {
  const own = await startOwnPostgres();
  server = own.server;
  service = await TestService.create({ database: openTestDatabase(own.databaseUrl) });
  service.mail.behave({ delay: 30 });
  await submitAll(service, 0, DRAFTS);
  service.runWorker();
  const mark = (trouble: number) => Math.floor((DRAFTS * trouble) / (KILLS + 3));
  await mailsAreOut(service, mark(1));
  await freeze(service, server);
  await mailsAreOut(service, mark(2));
  expect((await service.tally()).failed ?? 0).toBe(0);
  for (let kill = 1; kill <= KILLS; kill++) {
    await mailsAreOut(service, mark(2 + kill));
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
