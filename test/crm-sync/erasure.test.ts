// An erasure reaches what waits for HubSpot, what HubSpot is being told of, and what HubSpot has on others' contacts.
import { HUBSPOT_LANE } from '../../workflows/contracts/lane';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../support/hubspot-server';
import { until } from '../support/until';
import { ErasureService } from '../user-erasure/erasure-service';

const ADA = 'ada@customer.example';
const BOB = 'bob@customer.example';

let hubspot: HubspotServer;
let service: ErasureService;
beforeEach(async () => {
  hubspot = await startHubspotServer();
  service = await ErasureService.create({
    environment: { HUBSPOT_ACCESS_TOKEN: HUBSPOT_TOKEN, HUBSPOT_BASE_URL: hubspot.url },
  });
});
afterEach(async () => {
  await service?.close();
  await hubspot?.close();
});

const syncs = () => service.base.database.db.crmSync.findMany({ orderBy: { createdAt: 'asc' } });
const lane = () => service.base.database.db.lane.findUniqueOrThrow({ where: { name: HUBSPOT_LANE } });

it('takes the mention out of a mail that was logged on somebody else, and the person with all that is theirs', async () => {
  service.base.runWorker();
  const toBob = await service.base.submitDue(BOB, { subject: `About ${ADA}`, body: `Please ask ${ADA} too` });
  const toAda = await service.base.submitDue(ADA, { subject: 'For Ada alone' });
  for (const { id } of [toBob, toAda]) await service.base.draftIn('sent', id);
  await until('both are logged', async () => (await syncs()).filter(({ status }) => status === 'logged').length === 2);
  expect((await service.erase(ADA)).status).toBe('certified');
  expect(hubspot.emails).toHaveLength(1);
  expect(hubspot.emails[0]?.properties).toMatchObject({
    hs_email_subject: 'About [erased]',
    hs_email_text: 'Please ask [erased] too',
  });
  expect(hubspot.contacts.map(({ properties }) => properties.email)).toEqual([BOB]);
  expect(await syncs()).toEqual([expect.objectContaining({ draftId: toBob.id, stale: false })]);
});

it('logs nothing of a person whose erasure is accepted, and goes on if it is cancelled', async () => {
  hubspot.trouble = () => ({ status: 503 });
  service.base.runWorker();
  const toAda = await service.base.submitDue(ADA);
  await service.base.draftIn('sent', toAda.id);
  await until('HubSpot has failed', async () => (await lane()).failures > 0);
  const { requestId } = await service.request(ADA);
  hubspot.trouble = () => null;
  const toBob = await service.base.submitDue(BOB);
  await until('Bob is logged', async () =>
    (await syncs()).some((one) => one.draftId === toBob.id && one.status === 'logged'),
  );
  await until('Ada is put off', async () =>
    (await syncs()).some(({ failureCode }) => failureCode === 'recipient_erased'),
  );
  expect(hubspot.emails).toHaveLength(1);

  await service.commands.cancelErasure(service.admin, requestId);
  await service.base.database.db.$executeRaw`UPDATE crm_syncs SET next_attempt_at = now() WHERE status = 'waiting'`;
  await until('Ada is logged', () => hubspot.emails.length === 2);
});

it('waits for a batch that HubSpot has not answered, and then deletes what came of it', async () => {
  let silent = true;
  hubspot.trouble = (path) => (silent && path === 'emails/batch/create' ? 'silence' : null);
  service.base.runWorker();
  const toAda = await service.base.submitDue(ADA);
  await service.base.draftIn('sent', toAda.id);
  await until('HubSpot is asked', () => hubspot.requests.some((request) => request.endsWith('emails/batch/create')));
  const { requestId } = await service.request(ADA, 'PT0S');
  await until('the erasure waits', async () => (await service.look(requestId)).status === 'erasing');
  silent = false;
  expect((await service.ended(requestId)).status).toBe('certified');
  expect([hubspot.emails, hubspot.contacts, hubspot.blocked]).toEqual([[], [], [ADA]]);
  expect(await syncs()).toEqual([]);
});
