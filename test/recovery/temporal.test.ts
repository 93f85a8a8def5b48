import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { type OwnServer, startOwnTemporal } from '../support/own-server';
import { TestService } from '../support/service';
import { DRAFTS, freeze, KILLS, mailsAreOut, submitAll } from './struck-server';

let service: TestService;
let server: OwnServer;
afterEach(async () => {
  await service?.close();
  await server?.stop();
});

it('Temporal frozen or killed stops neither submissions nor decisions, and all proceeds when it is back, each once', async () => {
  server = await startOwnTemporal();
  service = await TestService.create({ temporalAddress: server.address });
  service.mail.behave({ delay: 30 });
  const part = (trouble: number) => Math.floor((DRAFTS * trouble) / (KILLS + 2));
  async function submitPart(trouble: number): Promise<void> {
    const started = Date.now();
    await submitAll(service, part(trouble), part(trouble + 1));
    expect(Date.now() - started).toBeLessThan(10_000);
  }
  await submitPart(0);
  service.runWorker();
  await mailsAreOut(service, 3);
  await freeze(service, server, () => submitPart(1));
  for (let kill = 1; kill <= KILLS; kill++) {
    await mailsAreOut(service, 3 + kill * 3);
    await server.kill();
    await submitPart(1 + kill);
    await server.startAgain();
  }
  expect(await everyDraftEnds(service)).toEqual([]);
  await expectEachMailOnce(service);
  expect(service.mail.accepted).toHaveLength(DRAFTS);
});
