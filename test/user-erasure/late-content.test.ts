// Somebody who writes about a person again and again, while they are being erased, does not keep them from their certificate.
import { Readable } from 'node:stream';
import { attachmentKey, storeAttachment } from '../../activities/attachments';
import { receiveFile } from '../../activities/received-file';
import { readErasure } from '../../activities/user-erasure/erasure-record';
import { aDraft, setStatus } from '../support/commands';
import { makePreview } from '../support/preview';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { World } from './races/world';

const ADA = 'ada@customer.example';
const BOB = 'bob@elsewhere.example';

let temporal: TestNamespace;
let world: World;
beforeAll(async () => {
  temporal = await createTestNamespace();
});
beforeEach(async () => {
  world = await World.create(temporal);
});
afterEach(() => world?.database.drop());
afterAll(() => temporal?.close());

const write = async (body: string, to = BOB) => {
  const { id } = await world.commands.submitDraft(world.author, aDraft({ to, body }));
  await setStatus(world.db, id, 'sent', 'delivered');
  return id;
};

/** Purged, with content that came right after. @returns the request's id */
async function purged(): Promise<string> {
  await write(`Before: ${ADA}`);
  const { requestId } = await world.commands.requestErasure(world.admin, { email: ADA, grace: 'PT24H' });
  await makePreview(world.db, requestId);
  await world.commands.confirmErasure(world.admin, requestId);
  await world.activities.beginErasure(requestId);
  expect(await world.purge(requestId)).toBe('scanning');
  return requestId;
}
const { run } = {
  run: <A extends unknown[], R>(step: (...given: A) => Promise<R>, ...given: A) => world.run(step, ...given),
};

it('what came since the last purge is purged, and the erasure is certified with it noted', async () => {
  const requestId = await purged();
  const late = [await write(`After: ${ADA}`), await write('Dear Ada', ADA)];
  const found = await run(world.activities.scanStores, requestId);
  expect(found.sources.some(({ findings }) => findings > 0)).toBe(true);
  const scan = await run(world.activities.settleLateFindings, requestId);
  if (!scan) throw new Error('It was not settled');
  expect(scan.late).toBeGreaterThanOrEqual(2);
  expect(scan.sources.map(({ findings }) => findings)).toEqual(scan.sources.map(() => 0));
  expect((await run(world.activities.certifyErasure, { requestId, scan }))?.status).toBe('certified');
  expect(await world.db.revision.findFirst({ where: { draftId: late[0] as string } })).toMatchObject({
    body: 'After: [erased]',
  });
  expect((await world.db.draft.findUniqueOrThrow({ where: { id: late[1] as string } })).status).toBe('erased');
  const certificate = (await world.db.erasure.findUniqueOrThrow({ where: { id: requestId } })).certificate;
  expect(certificate).toMatchObject({ certificate: { scan: { late: scan.late } } });
});

it('a file that came since is late content too', async () => {
  const requestId = await purged();
  const file = await receiveFile(Readable.from([Buffer.from(`name,mail\nAda,${ADA}\n`)]), 'people.csv');
  const { type, size, sha256 } = file;
  const record = { name: 'people.csv', type, size, sha256 };
  await storeAttachment(world, file, () => world.commands.recordAttachment(world.author, record));
  await file.discard();
  const found = await run(world.activities.scanStores, requestId);
  expect(found.sources.find(({ source }) => source === 'objects')?.findings).toBe(1);
  const scan = await run(world.activities.settleLateFindings, requestId);
  expect(scan?.late).toBe(1);
  expect(await world.files.has(attachmentKey(sha256))).toBe(false);
});

it('what a purge has left is no late content, whatever else came', async () => {
  const requestId = await purged();
  await write(`After: ${ADA}`);
  // As a purge leaves it that does not know the row: written before, and indexed again under its old position.
  const missed = await write(`Missed: ${ADA}`);
  await world.index.catchUp(() => {});
  await world.db.$executeRaw`UPDATE mentions SET position = 1 WHERE row_id = ${missed}::uuid`;
  await run(world.activities.scanStores, requestId);
  expect(await run(world.activities.settleLateFindings, requestId)).toBeNull();
  expect((await readErasure(world.db, requestId))?.status).toBe('scanning');
});

it('a place that the index does not know is no late content', async () => {
  const requestId = await purged();
  await world.db.$executeRaw`CREATE TABLE strangers AS SELECT ${ADA} AS words`;
  await run(world.activities.scanStores, requestId);
  expect(await run(world.activities.settleLateFindings, requestId)).toBeNull();
});
