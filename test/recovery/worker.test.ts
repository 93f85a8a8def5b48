import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import type { TestService } from '../support/service';
import {
  anotherGoesOn,
  DRAFTS,
  nextMailAfter,
  openAtTakeover,
  ownerOf,
  STRIKES,
  slowService,
  startHolder,
  submitAll,
} from './struck-worker';

let service: TestService;
beforeEach(async () => {
  service = await slowService();
});
afterEach(() => service.close());

describe.each(STRIKES)('the worker that holds the lane, after %d mails', (mails) => {
  it('is killed: another goes on within 15 s, nothing is sent twice, only open conversations are parked', async () => {
    const holder = await startHolder(service);
    await submitAll(service);
    await nextMailAfter(service, mails - 1);
    const owner = await ownerOf(service);
    await holder.kill();
    await anotherGoesOn(service);
    const parked = await everyDraftEnds(service);
    // Nobody is left to say how an open one ended, and whatever was merely claimed has been sent.
    expect(parked.map(({ id }) => id).sort()).toEqual(await openAtTakeover(service, owner));
    await expectEachMailOnce(service);
  });
});

describe('a worker that is asked to stop', () => {
  it('finishes what it has begun, parks nothing, and the next worker sends the rest', async () => {
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
  });
});
