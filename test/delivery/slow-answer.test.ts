import { deferred } from '../support/deferred';
import { TestService } from '../support/service';
import { until } from '../support/until';

const DRAIN_SECONDS = 4;

let service: TestService;

beforeAll(async () => {
  service = await TestService.create();
});
afterAll(() => service?.close());

const startPatientWorker = () =>
  service.startWorker({ SMTP_URL: service.mail.url, SHUTDOWN_DRAIN_SECONDS: String(DRAIN_SECONDS) });

async function submitSlow(to: string, waitsFor: Promise<unknown>) {
  service.mail.behave({ waitsFor }, to);
  const draft = await service.submitDue(to);
  await until('the mail server has the message', () => service.mail.acceptedFor(to).length === 1);
  return draft;
}

describe('a mail server that takes long to answer after the message', () => {
  it('is waited for, and other mail leaves meanwhile, though it is the first conversation', async () => {
    const worker = startPatientWorker();
    const isScanned = deferred<null>();
    const slow = await submitSlow('scanned@example.org', isScanned.promise);
    const others = await Promise.all(Array.from({ length: 5 }, (_, i) => service.submitDue(`beside-${i}@example.org`)));
    for (const other of others) await service.draftIn('sent', other.id);
    expect((await service.draft(slow.id)).status).toBe('sending');
    isScanned.resolve(null);
    expect(await service.draftIn('sent', slow.id)).toMatchObject({ outcome: 'delivered' });
    expect(await worker.stop()).toBe(0);
  });

  it('does not hold up the end of a worker: its draft is parked by the next', async () => {
    const worker = startPatientWorker();
    const slow = await submitSlow('cut-off@example.org', deferred().promise);
    const asked = Date.now();
    await worker.stop();
    expect(Date.now() - asked).toBeLessThan((DRAIN_SECONDS + 10) * 1_000);
    service.runWorker();
    expect(await service.draftIn('failed', slow.id)).toMatchObject({ outcome: 'unknown' });
    expect(service.mail.acceptedFor('cut-off@example.org')).toHaveLength(1);
  });
});
