// A mail server and a HubSpot that misbehave in every way, one after another, under a hundred requests a second.
import { setTimeout as delay } from 'node:timers/promises';
import { HubspotService } from '../crm-sync/hubspot-service';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { isLongRun } from '../support/servers';
import type { Behaviour } from '../support/smtp-dialogue';
import { SteadyLoad } from './steady-load';

/** Long enough for several probes of each. */
const EACH_MS = isLongRun ? 10_000 : 3_000;
const LOGGED_WITHIN_MS = 600_000;

const MAIL: [string, Behaviour][] = [
  ['is slow', { delay: 1_500 }],
  ['greets with garbage', { greeting: 'garbage' }],
  ['answers a recipient with garbage', { rcpt: 'garbage' }],
  ['answers a message with garbage', { final: 'garbage' }],
  ['is asked too often', { rcpt: { code: 450, text: '4.7.0 too many messages, slow down' } }],
  ['has too many connections', { greeting: { code: 421, text: '4.7.0 too many connections' } }],
  ['is half open', { greeting: 'silence' }],
];
const HUBSPOT: [string, () => ReturnType<HubspotService['hubspot']['trouble']>][] = [
  ['is slow', () => delay(1_500, null)],
  ['answers with garbage', () => ({ status: 200, body: ['<html>'] })],
  ['is asked too often', () => ({ status: 429, headers: { 'Retry-After': '1' } })],
  ['is half open', () => 'silence'],
];

let crm: HubspotService;
beforeEach(async () => {
  crm = await HubspotService.create();
});
afterEach(() => crm?.close());

it('no trouble of either holds up a submission, and after it all mails are sent and logged once', async () => {
  const { service, hubspot } = crm;
  const processes = [service.start('api', 'api/main.js'), service.startWorker()];
  const { PORT } = service.environment;
  const load = new SteadyLoad(() => PORT);
  await load.begin();
  await load.reaches(100);

  for (const [, behaviour] of MAIL) {
    service.mail.behave(behaviour);
    await delay(EACH_MS);
  }
  service.mail.behave({});
  for (const [, trouble] of HUBSPOT) {
    hubspot.trouble = trouble;
    await delay(EACH_MS);
  }
  hubspot.trouble = () => null;
  const submitted = await load.end();

  expect(load.refused).toEqual({});
  expect(load.acknowledged.size).toBe(submitted);
  await crm.db.draft.updateMany({ where: { status: 'scheduled' }, data: { nextAttemptAt: new Date() } });
  const parked = await everyDraftEnds(service);
  await expectEachMailOnce(service);
  await crm.db
    .$executeRaw`UPDATE crm_syncs SET next_attempt_at = now() WHERE status = 'waiting' AND next_attempt_at > now()`;
  await crm.logged(submitted - parked.length, LOGGED_WITHIN_MS);
  expect(crm.repeated).toEqual([]);
  expect(processes.map(({ running }) => running)).toEqual([true, true]);
});
