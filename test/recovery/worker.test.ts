import { everyDraftEnds, expectEachMailOnce, openConversations } from '../support/mail-count';
import type { ServiceProcess } from '../support/processes';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';

const DRAFTS = isLongRun ? 1500 : 80;
/** After how many mails the lane's worker is struck. */
const STRIKES = isLongRun ? [1, 20, 100, 400, 900] : [20];

/** The worker that holds the lane: the identity of its activity names its process. */
function holderOf(service: TestService, workers: ServiceProcess[]): Promise<ServiceProcess> {
  return until('a worker holds the lane', async () => {
    const description = await service.lane.describe().catch(() => null);
    const [activity] = description?.raw.pendingActivities ?? [];
    return workers.find(({ pid, running }) => running && activity?.lastWorkerIdentity?.startsWith(`${pid}@`));
  });
}

async function sendingService() {
  const service = await TestService.create();
  service.mail.behave({ delay: 60 });
  for (let i = 0; i < DRAFTS; i++) await service.submitDue(`reader-${i}@example.org`);
  return service;
}

const nextMailAfter = (service: TestService, count: number, withinMs?: number) =>
  until(`mail ${count + 1} arrives`, () => service.mail.accepted.length > count, withinMs);

describe.each(STRIKES)('the worker that holds the lane, after %d mails', (mails) => {
  let service: TestService;
  beforeEach(async () => {
    service = await sendingService();
  });
  afterEach(() => service.close());

  it('is killed: another goes on within 15 s, nothing is sent twice, only open conversations are parked', async () => {
    const workers = [service.startWorker(), service.startWorker({ WORKER_METRICS_PORT: '0' })];
    await nextMailAfter(service, mails - 1);
    const holder = await holderOf(service, workers);
    await holder.kill();
    const open = await openConversations(service);
    const count = service.mail.accepted.length;
    await nextMailAfter(service, count, 15_000);
    const parked = await everyDraftEnds(service);
    expect(parked.filter(({ id }) => !open.has(id))).toEqual([]);
    await expectEachMailOnce(service);
  });

  it('is frozen and thawed after the takeover: nothing is sent twice, and none is lost', async () => {
    const workers = [service.startWorker(), service.startWorker({ WORKER_METRICS_PORT: '0' })];
    await nextMailAfter(service, mails - 1);
    const holder = await holderOf(service, workers);
    holder.freeze();
    // What it had on the way may still be stored.
    const open = await openConversations(service);
    const count = service.mail.accepted.length + open.size;
    await nextMailAfter(service, count, 15_000);
    holder.thaw();
    const parked = await everyDraftEnds(service);
    expect(parked.filter(({ id }) => !open.has(id))).toEqual([]);
    await expectEachMailOnce(service);
    expect(holder.running).toBe(true);
  });
});

describe('a worker that is asked to stop', () => {
  it('finishes what it has begun, parks nothing, and the next worker sends the rest', async () => {
    const service = await sendingService();
    const worker = service.startWorker();
    await nextMailAfter(service, 10);
    expect(await worker.stop()).toBe(0);
    const { sending = 0, failed = 0 } = await service.tally();
    expect({ sending, failed }).toEqual({ sending: 0, failed: 0 });
    service.startWorker();
    expect(await everyDraftEnds(service)).toEqual([]);
    await expectEachMailOnce(service);
    expect(service.mail.accepted).toHaveLength(DRAFTS);
    await service.close();
  });
});
