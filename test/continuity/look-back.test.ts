// What a database is compared with, finding by finding, without a worker.
import { uuidv7 } from 'uuidv7';
import { createSigner } from '../../activities/audit-trail/signatures';
import { createAdoptionActivities } from '../../activities/continuity/adoption';
import { writeAdoption } from '../../activities/continuity/adoption-records';
import { holdMail, readHeld } from '../../activities/continuity/hold';
import { lookBack } from '../../activities/continuity/look-back';
import { remember } from '../../activities/continuity/neighbours';
import { createWitness } from '../../activities/continuity/witness';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import type { ReplayDependencies } from '../../activities/erasure-ledger/replay';
import { archiveRun, journalKey } from '../../activities/lane/journal';
import { recordKey, writeRecord } from '../../activities/restore/records';
import { readClaimsSince } from '../../activities/rewind/journal-claims';
import { createLogger } from '../../ops/runtime/logging';
import type { SignedStore } from '../../ops/runtime/signed-store';
import { runStep } from '../restore/restoring-host';
import { openBackups } from '../support/backups';
import { SETTINGS } from '../support/commands';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder } from '../support/environment';
import { aRestore } from '../support/restore-record';
import { createTestNamespace, type TestNamespace } from '../support/temporal';

const logger = createLogger('test', 'silent');
let database: TestDatabase;
let temporal: TestNamespace;
let backups: SignedStore;
let sources: Parameters<typeof lookBack>[0];
beforeAll(async () => {
  temporal = await createTestNamespace();
});
afterAll(() => temporal.close());
beforeEach(async () => {
  database = await createTestDatabase();
  const BACKUP_URL = `file://${newFolder('backups')}`;
  const { SECRET_KEY } = SETTINGS;
  backups = openBackups(BACKUP_URL);
  sources = {
    db: database.db,
    backups,
    temporal: temporal.client,
    verifier: createSigner(SECRET_KEY),
    ledger: openLedger({ BACKUP_URL, SECRET_KEY }),
  };
});
afterEach(() => database.drop());

const adopted = (generation: number) => ({
  id: uuidv7(),
  at: new Date().toISOString(),
  as: 'rewound' as const,
  code: 'behind_journal',
  generation,
  previousTimeline: 1,
  timeline: 1,
  position: '0',
});

it('finds nothing in a new database, whose neighbours it remembers', async () => {
  const { code, isSwitching, neighbours } = await lookBack(sources);
  expect([code, isSwitching]).toEqual([null, false]);
  await remember(database.db, neighbours);
  expect((await lookBack(sources)).code).toBeNull();
  expect(await database.db.instance.findUniqueOrThrow({ where: { id: 1 } })).toMatchObject({
    backupStoreId: neighbours.backupStoreId,
    databaseId: expect.stringMatching(/^\d+\/\d+$/),
    timeline: expect.any(Number),
  });
});

it('finds a database of a life before a recorded adoption', async () => {
  await writeAdoption(backups, adopted(2));
  expect((await lookBack(sources)).code).toBe('earlier_life');
  await database.db.instance.update({ where: { id: 1 }, data: { generation: 2 } });
  expect((await lookBack(sources)).code).toBeNull();
});

it('finds a database of a life before a restore that is in effect, and not before one that never switched', async () => {
  await writeRecord(backups, aRestore({ state: 'abandoned', generation: 5 }));
  expect((await lookBack(sources)).code).toBeNull();
  await writeRecord(backups, aRestore({ state: 'switched', generation: 5 }));
  expect((await lookBack(sources)).code).toBe('earlier_life');
});

it('believes no record that is not signed by us', async () => {
  const put = (key: string, content: object) => backups.put(key, Buffer.from(JSON.stringify(content)));
  const record = aRestore({ state: 'switched', generation: 5 });
  await put(recordKey(record.id), record);
  await put(`adoptions/${uuidv7()}.json`, adopted(5));
  expect((await lookBack(sources)).code).toBeNull();
  // One that says that a restore is switching would keep the worker from comparing.
  await put(recordKey(record.id), { ...record, state: 'prepared' });
  await database.db.instance.update({ where: { id: 1 }, data: { restoreId: record.id } });
  await database.db.lane.updateMany({ data: { held: true } });
  expect(await lookBack(sources)).toMatchObject({ isSwitching: false });
});

it('finds the mark of the last claims behind any number of journal objects that are not signed by us', async () => {
  const mark = { generation: 1, claims: 3 };
  const claims = [{ at: new Date().toISOString(), ids: [uuidv7()], mark }];
  await archiveRun(backups, 'email', uuidv7(), { complete: true, claims, mark });
  for (let i = 0; i < 5; i++) {
    const runId = uuidv7();
    const forged = { lane: 'email', runId, complete: true, claims: [], mark: { generation: 1, claims: 0 } };
    await backups.put(journalKey('email', runId), Buffer.from(JSON.stringify(forged)));
  }
  expect((await lookBack(sources)).code).toBe('behind_journal');
});

it('says nothing while a restore switches to the database', async () => {
  const record = aRestore({ state: 'prepared', generation: 2 });
  await writeRecord(backups, record);
  await database.db.instance.update({ where: { id: 1 }, data: { restoreId: record.id, generation: 2 } });
  await database.db.lane.updateMany({ data: { held: true } });
  expect(await lookBack(sources)).toMatchObject({ code: null, isSwitching: true });
});

it('does not depend on a record that is damaged', async () => {
  await backups.put(recordKey(uuidv7()), Buffer.from('{'));
  expect((await lookBack(sources)).code).toBeNull();
});

it('counts a claim of another life by its time, since two lives may have gone on from one moment', async () => {
  const id = uuidv7();
  const at = new Date().toISOString();
  await archiveRun(backups, 'email', uuidv7(), {
    complete: true,
    claims: [{ at, ids: [id], mark: { generation: 2, claims: 3 } }],
    mark: { generation: 2, claims: 3 },
  });
  const known = { knownUntil: at, journalRun: null, namespaceId: null };
  const claimed = async (mark: { generation: number; claims: number }) => [
    ...(await readClaimsSince({ backups, temporal: null }, { ...known, mark })).claimed.keys(),
  ];
  expect(await claimed({ generation: 3, claims: 0 })).toEqual([id]);
  expect(await claimed({ generation: 2, claims: 2 })).toEqual([id]);
  expect(await claimed({ generation: 2, claims: 3 })).toEqual([]);
});

it('no step of an adoption touches a database that is held since another moment', async () => {
  const { db } = database;
  const given = { adoptionId: uuidv7(), as: 'rewound' as const, heldAt: new Date(0).toISOString() };
  const steps = createAdoptionActivities({
    ...sources,
    signer: createSigner(SETTINGS.SECRET_KEY),
    erasures: {} as ReplayDependencies,
    tools: null,
  });
  const { beginAdoption, markAdopted, moveIn, makeClone, releaseMail } = steps;
  for (const isHeld of [false, true]) {
    if (isHeld) await holdMail({ db, logger }, 'behind_journal');
    for (const step of [beginAdoption, markAdopted, moveIn, makeClone, releaseMail]) {
      await expect(runStep(step as typeof beginAdoption, given)).rejects.toMatchObject({ type: 'other_hold' });
    }
  }
  expect(await db.instance.findUniqueOrThrow({ where: { id: 1 } })).toMatchObject({
    generation: 1,
    heldCode: 'behind_journal',
  });
});

describe('a process that has seen what was committed', () => {
  const events = () => database.db.auditEvent.count();

  it('holds all mail once that is gone, and keeps what it knew until it could', async () => {
    const { db } = database;
    await holdMail({ db, logger }, 'behind_journal');
    await db.instance.updateMany({ data: { heldCode: null, heldAt: null } });
    expect(await events()).toBe(1);
    const witness = createWitness({ db, logger });
    await witness.look();
    witness.note(uuidv7());
    await witness.look();
    expect(await readHeld(db)).toMatchObject({ code: 'forgot_event' });
    expect(witness.held()).toBeNull();
    await witness.look();
    expect(witness.held()).toMatchObject({ code: 'forgot_event' });
    expect(await db.lane.count({ where: { held: false } })).toBe(0);
  });

  it('holds it where the generation has fallen, and not where it has risen', async () => {
    const { db } = database;
    const witness = createWitness({ db, logger });
    await witness.look();
    await db.instance.updateMany({ data: { generation: 3 } });
    expect(await witness.look()).toEqual({ isOtherServer: true });
    expect(await readHeld(db)).toBeNull();
    await db.instance.updateMany({ data: { generation: 2 } });
    await witness.look();
    expect(await readHeld(db)).toMatchObject({ code: 'forgot_event' });
  });
});
