// Mails that were sent are logged in HubSpot, once each, whatever HubSpot answers.
import type { HubspotObject } from '../support/hubspot-server';
import { until } from '../support/until';
import { HubspotService } from './hubspot-service';

let crm: HubspotService;
beforeEach(async () => {
  crm = await HubspotService.create();
});
afterEach(() => crm?.close());

const addressOf = ({ contacts = [] }: HubspotObject) =>
  crm.hubspot.contacts.filter(({ id }) => contacts.includes(id)).map(({ properties }) => properties.email);
/** As if HubSpot's index had had its minute. */
const indexed = () =>
  crm.db.$executeRaw`UPDATE crm_syncs SET next_attempt_at = now() WHERE status = 'waiting' AND maybe_logged`;

it('logs a mail on the contact of its recipient, and creates the contact if there is none', async () => {
  crm.hubspot.contacts.push(
    { id: '7', properties: { email: 'ada@example.org' } },
    { id: '8', properties: { email: 'g@example.org', hs_additional_emails: 'grace@example.org;other@example.org' } },
  );
  crm.service.runWorker();
  const { id } = await crm.service.submitDue('Ada@example.org', { subject: 'Offer', body: 'Dear Ada' });
  for (const to of ['grace@example.org', 'new@example.org']) await crm.service.submitDue(to);
  await crm.logged(3);
  expect(crm.hubspot.emails.flatMap(addressOf).sort()).toEqual(['ada@example.org', 'g@example.org', 'new@example.org']);
  const email = crm.hubspot.emails.find((one) => addressOf(one)[0] === 'ada@example.org');
  const { messageId, sentAt } = await crm.db.draft.findUniqueOrThrow({ where: { id } });
  expect(email?.properties).toMatchObject({
    hs_email_subject: 'Offer',
    hs_email_text: 'Dear Ada',
    hs_email_status: 'SENT',
    hs_email_message_id: messageId,
    hs_timestamp: sentAt?.toISOString(),
  });
  expect(JSON.parse(email?.properties.hs_email_headers ?? '')).toMatchObject({ to: [{ email: 'Ada@example.org' }] });
  const events = await crm.db.auditEvent.findMany({ where: { type: 'crm.logged' } });
  expect(events).toHaveLength(3);
  expect(crm.hubspot.requests.join()).not.toContain('ada');
});

it('logs many in batches', async () => {
  await crm.leaveSent(Array.from({ length: 300 }, (_, n) => `reader-${n % 50}@example.org`));
  crm.service.runWorker();
  await crm.logged(300);
  expect([crm.hubspot.emails.length, crm.repeated, crm.hubspot.contacts.length]).toEqual([300, [], 50]);
  // Few at first, then as many as one request takes: 1, 2, 4 … 100.
  const creations = crm.hubspot.requests.filter((request) => request.endsWith('emails/batch/create'));
  expect(creations.length).toBeLessThan(20);
});

it('leaves the bad address its own, and logs all others of its batch', async () => {
  const bad = 'blocked@example.org';
  crm.hubspot.blocked.push(bad);
  const [id] = await crm.leaveSent([bad, ...Array.from({ length: 40 }, (_, n) => `reader-${n}@example.org`)]);
  crm.service.runWorker();
  await crm.logged(40);
  const row = await until('the bad one has failed', () =>
    crm.db.crmSync.findFirst({ where: { draftId: id as string, status: 'failed' } }),
  );
  expect(row.failureCode).toBe('hubspot_refused_400');
  expect(await crm.row()).toMatchObject({ failures: 0, failingSince: null });
});

it('looks for a mail before it logs it again where the answer was lost', async () => {
  await crm.leaveSent(['one@example.org', 'two@example.org', 'three@example.org']);
  let cuts = 0;
  crm.hubspot.trouble = (path) => (path === 'emails/batch/create' && cuts++ < 2 ? 'cut_after' : null);
  crm.service.runWorker();
  await until('two answers were lost', () => cuts >= 2);
  await until('the rest is logged', async () => {
    await indexed();
    return (await crm.tally()).logged === 3;
  });
  expect([crm.hubspot.emails.length, crm.repeated]).toEqual([3, []]);
});

it('takes a mail that HubSpot has logged meanwhile on a contact of which it said that it exists', async () => {
  await crm.leaveSent(['late@example.org']);
  crm.hubspot.contacts.push({ id: '77', properties: { email: 'late@example.org' } });
  // As if somebody had created it between the question and the answer.
  crm.hubspot.answerNext('contacts/batch/read', { status: 207, body: { results: [] } });
  crm.service.runWorker();
  await crm.logged(1);
  expect(crm.hubspot.emails[0]?.contacts).toEqual(['77']);
});

it('logs nothing, and keeps nothing for it, without a token', async () => {
  const [id] = await crm.leaveSent(['one@example.org']);
  await crm.db.crmSync.deleteMany();
  crm.service.runWorker({ HUBSPOT_ACCESS_TOKEN: '' });
  await until('the worker has noted it', async () => !(await crm.row()).enabled);
  const draft = await crm.service.submitDue('two@example.org');
  await crm.service.draftIn('sent', draft.id);
  expect(await crm.db.crmSync.count()).toBe(0);
  expect(id).toBeDefined();
  expect(crm.hubspot.requests).toEqual([]);
});
