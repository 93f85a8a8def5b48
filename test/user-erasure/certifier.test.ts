// A certificate that was cut off between the ledger and the row: the entry is there once, and the certificate is written.
import { pino } from 'pino';
import { replayLedger } from '../../activities/erasure-ledger/replay';
import { createSubjects } from '../../activities/personal-data/subject';
import { writeRecord } from '../../activities/restore/records';
import { checkCertificate, type SignedCertificate } from '../../activities/user-erasure/certificate';
import { createSigner } from '../../ops/runtime/signing';
import type { ScanSummary } from '../../workflows/contracts/user-erasure';
import { SETTINGS } from '../support/commands';
import { aRestore } from '../support/restore-record';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { World } from './races/world';

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

/** Up to its certificate. */
async function scanned(email: string): Promise<{ requestId: string; scan: ScanSummary }> {
  const { activities, commands, admin } = world;
  await commands.submitDraft(world.author, { to: email, subject: 'Hello', body: 'You' });
  const { requestId } = await commands.requestErasure(admin, { email, grace: 'PT0S' });
  await activities.beginErasure(requestId);
  await world.purge(requestId);
  return { requestId, scan: await world.run(activities.scanStores, requestId) };
}

const certify = (what: { requestId: string; scan: ScanSummary }) => world.run(world.activities.certifyErasure, what);

/** What a worker leaves behind that is killed after it wrote into the ledger. */
async function cutOff(requestId: string): Promise<void> {
  const { subjectHashes } = await world.db.erasure.findUniqueOrThrow({ where: { id: requestId } });
  const subject = subjectHashes.map((hash) => Buffer.from(hash).toString('hex'));
  await world.ledger.append({ requestId, subject, certifiedAt: new Date().toISOString() });
}

async function ledgerOf(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { requestId } of world.ledger.entries()) ids.push(requestId);
  return ids;
}

it('says in its certificate what remains: backups without a promised day, and a database that is kept for undo', async () => {
  const one = await scanned('ada@customer.example');
  await world.backups.put('sets/20250101T000000Z/manifest.json', Buffer.from('{}'));
  await writeRecord(world.backups, aRestore({ at: new Date().toISOString(), setId: '20250101T000000Z' }));
  await certify(one);
  const row = await world.db.erasure.findUniqueOrThrow({ where: { id: one.requestId } });
  const signed = row.certificate as unknown as SignedCertificate;
  expect(checkCertificate(createSigner(SETTINGS.SECRET_KEY, 'certificates'), signed)).toBe('genuine');
  expect(signed.certificate).toMatchObject({
    backupsUntil: null,
    backups: { retentionDays: 30, keptByCount: true, until: null },
    keptForUndo: [{ cluster: 'data', until: expect.any(String) }],
  });
});

async function certificateOf(id: string) {
  const { status, certificate } = await world.db.erasure.findUniqueOrThrow({ where: { id } });
  return { status, position: (certificate as unknown as SignedCertificate | null)?.certificate.ledger.position };
}

it('goes on with its entry when it is tried again', async () => {
  const one = await scanned('ada@customer.example');
  await cutOff(one.requestId);
  expect((await certify(one))?.status).toBe('certified');
  expect(await certificateOf(one.requestId)).toEqual({ status: 'certified', position: 1 });
  expect(await ledgerOf()).toEqual([one.requestId]);
});

it('is certified with a certificate too where a worker that started meanwhile has carried the ledger out', async () => {
  const one = await scanned('ada@customer.example');
  await cutOff(one.requestId);
  const subjects = createSubjects(SETTINGS.SECRET_KEY);
  await replayLedger({ ...world, db: world.db, subjects, logger: pino({ level: 'silent' }) });
  await certify(one);
  expect(await certificateOf(one.requestId)).toEqual({ status: 'certified', position: 1 });
  expect(await ledgerOf()).toEqual([one.requestId]);
  const events = await world.db.auditEvent.findMany({
    where: { subjectId: one.requestId },
    orderBy: { position: 'asc' },
  });
  expect(events.map(({ type }) => type).slice(-2)).toEqual(['erasure.replayed', 'erasure.certified']);
});

it('holds others up without an entry of theirs, until it is done', async () => {
  const [one, other] = [await scanned('ada@customer.example'), await scanned('bob@customer.example')];
  await cutOff(one.requestId);
  await expect(certify(other)).rejects.toMatchObject({ code: 'ledger_not_replayed' });
  expect(await ledgerOf()).toEqual([one.requestId]);
  await certify(one);
  await certify(other);
  expect(await ledgerOf()).toEqual([one.requestId, other.requestId]);
  expect(await certificateOf(other.requestId)).toEqual({ status: 'certified', position: 2 });
});
