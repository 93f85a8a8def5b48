// HubSpot in trouble: a handful of probes, nothing lost, nothing twice, and no mail held up.
import { state } from '../../workflows/contracts/lane';
import type { HubspotServer } from '../support/hubspot-server';
import { isLongRun } from '../support/servers';
import { until } from '../support/until';
import { HubspotService } from './hubspot-service';

let crm: HubspotService;
beforeEach(async () => {
  crm = await HubspotService.create();
});
afterEach(() => crm?.close());

const MANY = Array.from({ length: isLongRun ? 10_000 : 150 }, (_, n) => `reader-${n}@example.org`);
/** HubSpot takes a hundred requests in ten seconds. */
const ALL_WITHIN_MS = 300_000;
const failing = async () => ((await crm.row()).failures >= 3 ? crm.row() : null);

const TROUBLES: [string, ReturnType<HubspotServer['trouble']>, string][] = [
  ['that answers with errors', { status: 500, body: { status: 'error' } }, 'hubspot_away'],
  ['that can not be reached', 'cut', 'hubspot_away'],
  ['that answers with something else', { status: 200, body: { page: 'Maintenance' } }, 'hubspot_garbled'],
];
if (isLongRun) TROUBLES.push(['that never answers', 'silence', 'hubspot_away']);

it.each(TROUBLES)('probes a HubSpot %s a few times, and logs all once it is back', async (_, trouble, code) => {
  await crm.leaveSent(MANY);
  crm.hubspot.trouble = () => trouble;
  crm.service.runWorker();
  await until('several probes have failed', failing);
  expect(await crm.row()).toMatchObject({ lastError: code, failingSince: expect.any(Date) });
  expect(crm.hubspot.requests.length).toBeLessThan(10);
  const { report } = await crm.lane.query(state);
  expect(report).toMatchObject({ due: expect.any(Number), trouble: { code, failures: expect.any(Number) } });
  const waiting = await crm.db.crmSync.aggregate({ _sum: { attempts: true } });
  expect(waiting._sum.attempts).toBeLessThanOrEqual(3);
  // Mail does not wait for it.
  const { id } = await crm.service.submitDue('meanwhile@example.org');
  await crm.service.draftIn('sent', id);

  crm.hubspot.trouble = () => null;
  await until(
    'all are logged',
    async () => {
      await crm.db
        .$executeRaw`UPDATE crm_syncs SET next_attempt_at = now() WHERE status = 'waiting' AND next_attempt_at > now()`;
      return (await crm.tally()).logged === MANY.length + 1;
    },
    ALL_WITHIN_MS,
  );
  expect([crm.hubspot.emails.length, crm.repeated]).toEqual([MANY.length + 1, []]);
  expect(await crm.row()).toMatchObject({ failures: 0, failingSince: null });
});

it('leaves HubSpot alone for as long as it asks', async () => {
  await crm.leaveSent(['one@example.org']);
  crm.hubspot.answerNext('contacts/batch/read', { status: 429, headers: { 'Retry-After': '120' } });
  crm.service.runWorker();
  const { trouble } = await until('the lane has told of it', async () => {
    const { report } = await crm.lane.query(state).catch(() => ({ report: null }));
    return report?.trouble ? { trouble: report.trouble } : null;
  });
  expect(trouble.code).toBe('hubspot_rate_limited');
  const wait = Date.parse(trouble.nextAttemptAt) - Date.now();
  expect(wait).toBeGreaterThan(100_000);
  expect(wait).toBeLessThanOrEqual(120_000);
  expect(crm.hubspot.requests).toHaveLength(1);
});

it('stops at a token that may not create contacts, and goes on with one that may', async () => {
  await crm.leaveSent(['one@example.org']);
  crm.hubspot.scopes = ['crm.objects.contacts.read', 'sales-email-read'];
  crm.service.runWorker();
  await until('a probe has failed', async () => (await crm.row()).failures > 0);
  expect((await crm.row()).lastError).toBe('hubspot_scope_missing');
  crm.hubspot.scopes.push('crm.objects.contacts.write');
  await crm.logged(1);
});

it('stops at a wrong token and says so', async () => {
  await crm.leaveSent(MANY);
  crm.service.runWorker({ HUBSPOT_ACCESS_TOKEN: 'of-yesterday' });
  await until('several probes have failed', failing);
  expect((await crm.row()).lastError).toBe('hubspot_unauthorised');
  expect(crm.hubspot.requests.length).toBeLessThan(10);
  expect(crm.hubspot.emails).toEqual([]);
});

it('is not opened by one mail that HubSpot fails on every time', async () => {
  const ids = await crm.leaveSent(['poison@example.org', ...MANY.slice(0, 30)]);
  crm.hubspot.trouble = (path, body) =>
    path === 'emails/batch/create' && JSON.stringify(body).includes('poison@') ? { status: 500 } : null;
  crm.service.runWorker();
  await until('all others are logged', async () => {
    await crm.db
      .$executeRaw`UPDATE crm_syncs SET next_attempt_at = now() WHERE status = 'waiting' AND next_attempt_at > now() AND failure_code IS NULL`;
    return (await crm.tally()).logged === 30;
  });
  const poison = await crm.db.crmSync.findUniqueOrThrow({ where: { draftId: ids[0] as string } });
  expect(poison).toMatchObject({ status: 'waiting', failureCode: 'hubspot_away' });
  await until('the lane is healthy', async () => (await crm.row()).failures === 0);
  expect(crm.repeated).toEqual([]);
});

it('goes on after its worker was killed in the middle of a batch, and logs nothing twice', async () => {
  await crm.leaveSent(MANY);
  const worker = crm.service.startWorker();
  await until('a batch was taken', () => crm.hubspot.emails.length > 20);
  await worker.kill();
  crm.service.runWorker();
  await until(
    'all are logged',
    async () => {
      await crm.db
        .$executeRaw`UPDATE crm_syncs SET next_attempt_at = now() WHERE status = 'waiting' AND maybe_logged AND next_attempt_at > now()`;
      return (await crm.tally()).logged === MANY.length;
    },
    ALL_WITHIN_MS,
  );
  expect([crm.hubspot.emails.length, crm.repeated]).toEqual([MANY.length, []]);
});
