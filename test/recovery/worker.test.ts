import { MOST_CONNECTIONS } from '../../activities/mail-delivery/senders';
import { MAIL_LANE } from '../../workflows/contracts/mail-delivery';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { oneOf } from '../support/one-of';
import type { ServiceProcess } from '../support/processes';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';

const DRAFTS = isLongRun ? 1500 : 80;
/** After how many mails the lane's worker is struck. */
const STRIKES = isLongRun ? [1, 20, 100, 400, 900] : [20];

/** A worker that holds the lane, and one beside it that is to take over. */
async function startHolder(service: TestService): Promise<ServiceProcess> {
  const holder = service.startWorker();
  await until('it holds the lane', async () => {
    const description = await service.lane.describe().catch(() => null);
    // The identity of the lane's activity names its process.
    return description?.raw.pendingActivities?.[0]?.lastWorkerIdentity?.startsWith(`${holder.pid}@`);
  });
  service.runWorker();
  return holder;
}

async function slowService() {
  const service = await TestService.create();
  service.mail.behave({ delay: 60 });
  return service;
}
const submitAll = (service: TestService) =>
  Promise.all(Array.from({ length: DRAFTS }, (_, i) => service.submitDue(`reader-${i}@example.org`)));

const nextMailAfter = (service: TestService, count: number, withinMs?: number) =>
  until(`mail ${count + 1} arrives`, () => service.mail.accepted.length > count, withinMs);

/** More than what the one that was struck had on the way, which may still arrive. */
const anotherGoesOn = (service: TestService) =>
  nextMailAfter(service, service.mail.accepted.length + MOST_CONNECTIONS, 15_000);

async function ownerOf({ database }: TestService): Promise<string | null> {
  return (await database.db.lane.findUniqueOrThrow({ where: { name: MAIL_LANE } })).owner;
}

/** Whatever was parked is a conversation of that attempt's, one for each of its connections at most. */
function expectParkedOf(owner: string | null, parked: { id: string; claimOwner: string | null }[]): void {
  expect(owner).not.toBeNull();
  expect(parked.filter(({ claimOwner }) => claimOwner !== owner)).toEqual([]);
  expect(parked.length).toBeLessThanOrEqual(MOST_CONNECTIONS);
}

describe.each(STRIKES)('the worker that holds the lane, after %d mails', (mails) => {
  const struck = oneOf(2);
  let service: TestService;
  beforeEach(async () => {
    service = await slowService();
  });
  afterEach(() => service.close());

  struck(
    'is killed: another goes on within 15 s, nothing is sent twice, only open conversations are parked',
    async () => {
      const holder = await startHolder(service);
      await submitAll(service);
      await nextMailAfter(service, mails - 1);
      const owner = await ownerOf(service);
      await holder.kill();
      await anotherGoesOn(service);
      expectParkedOf(owner, await everyDraftEnds(service));
      await expectEachMailOnce(service);
    },
  );

  struck('is frozen and thawed after the takeover: nothing is sent twice, and none is lost', async () => {
    const holder = await startHolder(service);
    await submitAll(service);
    await nextMailAfter(service, mails - 1);
    const owner = await ownerOf(service);
    holder.freeze();
    await anotherGoesOn(service);
    holder.thaw();
    expectParkedOf(owner, await everyDraftEnds(service));
    await expectEachMailOnce(service);
    expect(holder.running).toBe(true);
  });
});

describe('a worker that is asked to stop', () => {
  it('finishes what it has begun, parks nothing, and the next worker sends the rest', async () => {
    const service = await slowService();
    await submitAll(service);
    const worker = service.startWorker();
    await nextMailAfter(service, 10);
    expect(await worker.stop()).toBe(0);
    const { sending = 0, failed = 0 } = await service.tally();
    expect({ sending, failed }).toEqual({ sending: 0, failed: 0 });
    service.runWorker();
    expect(await everyDraftEnds(service)).toEqual([]);
    await expectEachMailOnce(service);
    expect(service.mail.accepted).toHaveLength(DRAFTS);
    await service.close();
  });
});
