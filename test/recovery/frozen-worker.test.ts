// Freezes the worker that holds the mail lane, in every `npm test`: no heartbeat can see to this, only the fence.
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import type { TestService } from '../support/service';
import {
  anotherGoesOn,
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
  it('is frozen and thawed after the takeover: nothing is sent twice, and none is lost', async () => {
    const holder = await startHolder(service);
    await submitAll(service);
    await nextMailAfter(service, mails - 1);
    const owner = await ownerOf(service);
    holder.freeze();
    await anotherGoesOn(service);
    holder.thaw();
    const parked = await everyDraftEnds(service);
    // It corrects what became of those that it had open, so fewer may be left.
    const open = await openAtTakeover(service, owner);
    expect(parked.map(({ id }) => id).filter((id) => !open.includes(id))).toEqual([]);
    await expectEachMailOnce(service);
    expect(holder.running).toBe(true);
  });
});
