// HubSpot as a store of personal data, against a server that keeps to its documented contract.
import { ApplicationFailure } from '@temporalio/common';
import { createHubspotStore } from '../../../activities/user-erasure/stores/hubspot';
import { collect } from '../../support/collect';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { HUBSPOT_TOKEN, type HubspotServer, startHubspotServer } from '../../support/hubspot-server';
import { person } from './person';

const ADA = person('ada@example.org');
let server: HubspotServer;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());
beforeEach(async () => {
  server = await startHubspotServer();
  server.contacts = ['ada@example.org', 'xada@example.org', 'ada@example.org.uk'].map((email, n) => ({
    id: String(n + 1),
    properties: { email, firstname: 'Ada' },
  }));
});
afterEach(() => server.close());

const store = (token: string | undefined = HUBSPOT_TOKEN, base = server.url) =>
  createHubspotStore(database.db, { HUBSPOT_ACCESS_TOKEN: token, HUBSPOT_BASE_URL: base });
const nothing = { erase: 0, anonymise: 0, withhold: 0, ground: null };
async function failureOf(call: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await call.then(
    () => null,
    (caught) => caught,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  expect(JSON.stringify([error.message, error.type, error.details])).not.toContain('ada@');
  return error;
}

it('counts, exports and deletes the contact of the address, and nobody else', async () => {
  expect(await store().preview(ADA)).toEqual({ ...nothing, erase: 1 });
  expect(await collect(store().export(ADA))).toEqual([expect.objectContaining({ id: '1' })]);
  expect(server.contacts).toHaveLength(3);
  expect(await store().purge(ADA, () => {})).toEqual({ ...nothing, erase: 1 });
  expect(server.contacts.map(({ properties }) => properties.email)).toEqual(['xada@example.org', 'ada@example.org.uk']);
  expect(server.blocked).toEqual(['ada@example.org']);
  expect(server.requests.join()).not.toContain('ada');
});

it('may be asked to delete again, and then has nothing to count', async () => {
  await store().purge(ADA, () => {});
  expect(await store().purge(ADA, () => {})).toEqual(nothing);
  expect(await store().preview(ADA)).toEqual(nothing);
  expect(await collect(store().export(ADA))).toEqual([]);
});

it('is asked to delete what its search does not know yet', async () => {
  server.answerNext('contacts/search', { status: 200, body: { total: 0, results: [] } });
  await store().purge(ADA, () => {});
  expect(server.contacts).toHaveLength(2);
});

it('is tried again in ten seconds while its search still lists the contact', async () => {
  const search = { status: 200, body: { total: 1, results: [{ id: '1', properties: {} }] } };
  server.answerNext('contacts/search', search);
  server.answerNext('contacts/search', search);
  const failure = await failureOf(store().purge(ADA, () => {}));
  expect([failure.type, failure.nextRetryDelay, failure.nonRetryable]).toEqual(['hubspot_still_listed', 10_000, false]);
  expect(await store().purge(ADA, () => {})).toEqual(nothing);
});

it('is asked by both forms of a domain beyond ASCII', async () => {
  server.contacts = [{ id: '1', properties: { email: 'ada@bücher.example' } }];
  const ada = person('ada@xn--bcher-kva.example');
  expect(await store().purge(ada, () => {})).toEqual({ ...nothing, erase: 1 });
  expect(server.contacts).toEqual([]);
});

it('loses a contact that has the address as a further one, too', async () => {
  server.contacts = [
    { id: '1', properties: { email: 'office@example.org', hs_additional_emails: 'x@example.org;Ada@example.org' } },
    { id: '2', properties: { email: 'xada@example.org', hs_additional_emails: 'ada@example.org.uk' } },
  ];
  expect(await store().purge(ADA, () => {})).toEqual({ ...nothing, erase: 1 });
  expect(server.contacts.map(({ id }) => id)).toEqual(['2']);
  expect(server.blocked).toEqual(['ada@example.org']);
});

it.each([
  ['401', { status: 401, body: { message: 'ada@example.org' } }, 'hubspot_unauthorised', undefined],
  ['403', { status: 403 }, 'hubspot_unauthorised', undefined],
  ['429 with a time', { status: 429, headers: { 'Retry-After': '7' } }, 'hubspot_rate_limited', 7_000],
  ['429 with no time at all', { status: 429, headers: { 'Retry-After': '0' } }, 'hubspot_rate_limited', 1_000],
  [
    '429 with a time that is over',
    { status: 429, headers: { 'Retry-After': 'Thu, 01 Jan 2026 00:00:00 GMT' } },
    'hubspot_rate_limited',
    1_000,
  ],
  [
    '429 with a time far away',
    { status: 429, headers: { 'Retry-After': '999999' } },
    'hubspot_rate_limited',
    3_600_000,
  ],
  ['429 of the day', { status: 429, body: { policyName: 'DAILY' } }, 'hubspot_rate_limited', 900_000],
  ['429 of ten seconds', { status: 429, body: { policyName: 'TEN_SECONDLY_ROLLING' } }, 'hubspot_rate_limited', 10_000],
  ['500', { status: 500, body: { message: 'ada@example.org' } }, 'hubspot_away', undefined],
  ['400', { status: 400 }, 'hubspot_refused_400', undefined],
  [
    'a redirection',
    { status: 302, headers: { Location: 'http://elsewhere.example/' } },
    'hubspot_refused_302',
    undefined,
  ],
  ['no JSON', { status: 200 }, 'hubspot_away', undefined],
])('%s becomes a code, and nothing is deleted', async (_name, answer, type, delay) => {
  const calls = [() => store().preview(ADA), () => store().purge(ADA, () => {}), () => collect(store().export(ADA))];
  for (const call of calls) {
    server.answerNext('contacts/search', answer);
    const failure = await failureOf(call());
    expect([failure.type, failure.message, failure.nextRetryDelay]).toEqual([type, type, delay]);
  }
  expect(server.contacts).toHaveLength(3);
});

it('that refuses the deletion fails it', async () => {
  server.answerNext('contacts/gdpr-delete', { status: 429, headers: { 'Retry-After': '3' } });
  const failure = await failureOf(store().purge(ADA, () => {}));
  expect([failure.type, failure.nextRetryDelay]).toEqual(['hubspot_rate_limited', 3_000]);
  expect(server.contacts).toHaveLength(3);
});

it('that is away, and a wrong token, are told by their codes', async () => {
  expect((await failureOf(store('wrong').preview(ADA))).type).toBe('hubspot_unauthorised');
  expect((await failureOf(store(HUBSPOT_TOKEN, 'http://127.0.0.1:9').purge(ADA, () => {}))).type).toBe('hubspot_away');
});

it('without a token is asked nothing', async () => {
  const none = createHubspotStore(database.db, { HUBSPOT_ACCESS_TOKEN: undefined, HUBSPOT_BASE_URL: server.url });
  expect([await none.preview(ADA), await none.purge(ADA, () => {}), await collect(none.export(ADA))]).toEqual([
    nothing,
    nothing,
    [],
  ]);
  expect(server.requests).toEqual([]);
});
