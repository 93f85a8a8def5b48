// HubSpot as a source of the scan, against a server that keeps to its documented contract.
import { createHubspotSource } from '../../activities/erasure-scan';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../support/hubspot-server';
import { scanOne } from './scan-one';

const EMAIL = 'ada@bücher.example';
let server: HubspotServer;
beforeEach(async () => {
  server = await startHubspotServer();
});
afterEach(() => server.close());

const contact = (id: number, properties: Record<string, string>) => ({ id: String(id), properties });
async function scan(token = HUBSPOT_TOKEN, base = server.url) {
  return scanOne(createHubspotSource(base, token), EMAIL);
}

it('finds the person by any property that its search looks through, and nobody else', async () => {
  server.contacts = [
    contact(1, { email: 'Ada@Bücher.example' }),
    contact(2, { email: 'office@customer.example', hs_additional_emails: 'a@b.example;ada@xn--bcher-kva.example' }),
    contact(3, { email: 'bob@customer.example', lastname: `Bob, see ${EMAIL}` }),
    contact(4, { email: `l${EMAIL}` }),
    contact(5, { email: 'carol@customer.example' }),
  ];
  expect(await scan()).toMatchObject({ findings: 3, places: ['contact 1', 'contact 3', 'contact 2'] });
  expect(server.requests.join()).not.toContain('ada');
});

it('reads every page', async () => {
  server.contacts = Array.from({ length: 250 }, (_, n) => contact(n, { email: `${n}${EMAIL}` }));
  server.contacts.push(contact(250, { email: EMAIL }));
  expect(await scan()).toMatchObject({ items: 251, findings: 1, places: ['contact 250'] });
});

it.each([
  ['refuses', { status: 429, body: { message: EMAIL } }, 'hubspot_search_429'],
  ['says nothing that can be read', { status: 200 }, 'hubspot_search_200'],
])('fails the scan where it %s, without naming anybody', async (_title, answer, code) => {
  server.answerNext('contacts/search', answer);
  const error = await scan().catch((caught) => caught);
  expect(error).toMatchObject({ code });
  expect(String(error.stack)).not.toContain('ada');
});

it('fails the scan where it is away', async () => {
  await expect(scan(HUBSPOT_TOKEN, 'http://127.0.0.1:9')).rejects.toMatchObject({ code: 'hubspot_search_away' });
});
