// A source that does not show what the scan has planted in it: the scan fails, and nobody is certified until it sees again.
import { MockActivityEnvironment } from '@temporalio/testing';
import { uuidv7 } from 'uuidv7';
import { ERASURE_STEPS, type ScanSummary } from '../../workflows/contracts/user-erasure';
import { quiet } from '../support/quiet-temporal';
import { type Purgeless, type Servers, startErasures, startServers } from '../user-erasure/purgeless';

const SOURCES = ['files', 'hubspot', 'objects', 'postgres', 'redis', 'temporal'];

let servers: Servers;
let erasures: Purgeless;
beforeAll(async () => {
  servers = await startServers();
  // Its rewriting takes longer than all else here.
  await servers.redis.config('SET', 'appendonly', 'no');
  erasures = await startErasures(servers);
}, 600_000);
afterEach(() => {
  erasures.blind.source = '';
});
afterAll(async () => {
  await erasures?.close();
  await servers?.close();
});

const run = <A extends unknown[], R>(step: (...given: A) => Promise<R>, ...given: A): Promise<R> =>
  new MockActivityEnvironment({}, { logger: quiet }).run<A, R, (...given: A) => Promise<R>>(step, ...given);

/** @returns the erasure's id, once it waits for its scan */
async function purged(): Promise<string> {
  const { activities, commands, admin } = erasures;
  const email = `${uuidv7()}@customer.example`;
  const { requestId } = await commands.requestErasure(admin, { email, grace: 'PT0S' });
  await activities.beginErasure(requestId);
  for (const step of ERASURE_STEPS) await run(activities.takeErasureStep, { requestId, step });
  expect((await activities.concludePurge(requestId))?.status).toBe('scanning');
  return requestId;
}

it.each(SOURCES)('a scan that does not find its decoy in %s fails, and nothing is certified', async (source) => {
  const requestId = await purged();
  erasures.blind.source = source;
  await expect(run(erasures.activities.scanStores, requestId)).rejects.toMatchObject({ code: `scan_blind_${source}` });
  const row = await erasures.db.erasure.findUniqueOrThrow({ where: { id: requestId } });
  expect([row.status, row.scan, row.certificate]).toEqual(['scanning', null, null]);

  erasures.blind.source = '';
  const scan: ScanSummary = await run(erasures.activities.scanStores, requestId);
  expect(scan.sources.map((one) => [one.source, one.findings]).sort()).toEqual(SOURCES.map((one) => [one, 0]));
  expect((await run(erasures.activities.certifyErasure, { requestId, scan }))?.status).toBe('certified');
});

it('leaves nothing of its decoys behind', async () => {
  const requestId = await purged();
  await run(erasures.activities.scanStores, requestId);
  expect(await erasures.db.scanDecoy.count()).toBe(0);
  expect(await servers.redis.keys('*scan-decoy*')).toEqual([]);
  expect(servers.hubspot.contacts.filter(({ properties }) => `${properties.email}`.includes('decoy'))).toEqual([]);
});
