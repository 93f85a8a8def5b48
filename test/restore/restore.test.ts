// A database restored beside the one that lives, switched to, and undone: on a real cluster that is started again by its pointer.
import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { anchorHead, noteAnchored, writeAnchor } from '../../activities/audit-trail/anchors';
import { createSealer, readHead } from '../../activities/audit-trail/seal';
import { createSigner } from '../../activities/audit-trail/signatures';
import { verifyTrail } from '../../activities/audit-trail/verify';
import type { Restoring } from '../../activities/restore';
import { newestRecord, type RestoreRecord, readRecord, writeRecord } from '../../activities/restore/records';
import { abandonAnchors, withDatabase } from '../../activities/restore/rewound';
import { createRestorePoint, restorePointKey, restorePointName } from '../../activities/restore-points';
import { livingName } from '../../ops/local/clusters';
import { putSigned } from '../../ops/runtime/signed-store';
import type { RestoreTarget } from '../../workflows/contracts/restore';
import { collect } from '../support/collect';
import { until } from '../support/until';
import { makeDatabaseSet } from './database-set';
import { RestoringHost } from './restoring-host';

let place: RestoringHost;
beforeAll(async () => {
  place = await RestoringHost.start();
});
afterAll(() => place?.close());

const sql = <T extends object>(text: string, values: unknown[] = []) => place.sql<T>(text, values);

/** An audit event of its own, so that what was committed can be counted. @returns the time of the commit's begin */
const commit = async (n: number) => {
  const [row] = await sql<{ at: string }>(
    `INSERT INTO principals (id, name) VALUES ($1, $2) RETURNING clock_timestamp()::text AS at`,
    [uuidv7(), `commit ${n}`],
  );
  return row?.at ?? '';
};
const committed = async () =>
  (await sql<{ name: string }>(`SELECT name FROM principals WHERE name LIKE 'commit%' ORDER BY name`)).map(
    ({ name }) => name,
  );

async function prepare(target: RestoreTarget): Promise<Restoring> {
  const plan = await place.run(place.steps.preflightRestore, target);
  const restoring = { restoreId: uuidv7(), plan };
  await place.run(place.steps.restoreClusterFiles, restoring);
  await place.run(place.steps.recoverCluster, restoring);
  await place.run(place.steps.checkRestored, restoring);
  await place.run(place.steps.rewindRestored, restoring);
  return restoring;
}

test('goes back to a moment, keeps what came after for an undo, and archives its own log from then on', async () => {
  await makeDatabaseSet(place.tools);
  await commit(1);
  await sql('SELECT pg_sleep(0.05)');
  const between = new Date().toISOString();
  await sql('SELECT pg_sleep(0.05)');
  await commit(2);

  const restoring = await prepare({ from: 'latest', time: between });
  expect(await committed()).toEqual(['commit 1', 'commit 2']);
  const record = await place.run(place.steps.switchToRestored, restoring);
  expect(await committed()).toEqual(['commit 1']);
  expect(record).toMatchObject({
    state: 'switched',
    previous: 'data',
    generation: 2,
    timeline: 2,
    previousTimeline: 1,
  });
  expect(livingName(place.host.folder)).toBe(record.cluster);
  expect(await sql('SELECT name, held FROM lanes ORDER BY name')).toEqual(
    expect.arrayContaining([{ name: 'email', held: true }]),
  );
  expect(await place.run(place.followUp.listLost, restoring.restoreId)).toMatchObject({ complete: true, drafts: 0 });

  // A second restore follows the new timeline.
  await commit(3);
  const again = await prepare({ from: 'latest' });
  expect(again.plan).toMatchObject({ to: 'end', timeline: 2 });
  await place.run(place.steps.discardRestored, again.restoreId);

  const undoId = uuidv7();
  await place.run(place.followUp.undoSwitch, { restoreId: restoring.restoreId, undoId });
  expect(await committed()).toEqual(['commit 1', 'commit 2']);
  const [{ generation } = { generation: 0 }] = await sql<{ generation: number }>('SELECT generation FROM instance');
  expect(generation).toBe(3);
  await place.run(place.followUp.releaseSending, { restoreId: undoId, acceptLoss: true });
  expect(await sql('SELECT 1 FROM lanes WHERE held')).toEqual([]);
  await until('the undone database takes writes', () => commit(4).then(() => true));
});

test('a switch that came to nothing is given up: mail goes out again, unless it is held for an earlier restore', async () => {
  const { backups } = place.tools;
  const isHeld = async () => (await sql('SELECT 1 FROM lanes WHERE held')).length > 0;
  const earlier = (await newestRecord(backups)) as RestoreRecord;
  async function failToSwitch(): Promise<string> {
    const id = uuidv7();
    await writeRecord(backups, { ...earlier, id, state: 'prepared', cluster: `data-${id}` });
    await sql('UPDATE lanes SET held = true');
    return id;
  }
  const giveUp = (restoreId: string) => place.run(place.followUp.releaseSending, { restoreId, acceptLoss: true });

  const failed = await failToSwitch();
  await expect(place.run(place.followUp.bringBackTruth, failed)).rejects.toMatchObject({ type: 'not_in_effect' });
  expect(await isHeld()).toBe(true);
  for (const _ of [1, 2]) await giveUp(failed);
  expect(await isHeld()).toBe(false);
  expect(await readRecord(backups, failed)).toMatchObject({ state: 'abandoned' });

  await writeRecord(backups, { ...earlier, state: 'switched' });
  await giveUp(await failToSwitch());
  expect(await isHeld()).toBe(true);
  await writeRecord(backups, earlier);
  await sql('UPDATE lanes SET held = false');
});

test.each<[string, () => RestoreTarget, RegExp]>([
  [
    'a target before the first backup',
    () => ({ from: 'latest', time: '2020-01-01T00:00:00Z' }),
    /The first backup .* ends at/,
  ],
  [
    'a target that has not come',
    () => ({ from: 'latest', time: new Date(Date.now() + 3_600_000).toISOString() }),
    /has not come yet/,
  ],
  ['a set that is not there', () => ({ from: '20200101T000000Z' }), /There is no set/],
  [
    'a set elsewhere',
    () => ({ from: 's3://other/sets/20200101T000000Z/manifest.json' }),
    /does not lie below BACKUP_URL/,
  ],
  ['an operation that recorded nothing', () => ({ from: 'latest', before: uuidv7() }), /recorded a restore point/],
])('refuses %s, with nothing touched', async (_title, target, message) => {
  await expect(place.run(place.steps.preflightRestore, target())).rejects.toThrow(message);
});

test('goes back to before an operation that recorded a point, and to its time where the log could not be given a name', async () => {
  const { backups } = place.tools;
  await makeDatabaseSet(place.tools, 'incr');
  await commit(5);
  const operation = { process: 'userErasure', id: uuidv7() } as const;
  await withDatabase(place.tools.settings.DATABASE_URL, (db) =>
    createRestorePoint({ db, backups }, { name: restorePointName(operation.id), ...operation }),
  );
  await commit(6);
  const before = await place.run(place.steps.preflightRestore, { from: 'latest', before: operation.id });
  expect(before).toMatchObject({ to: 'restore_point', restorePoint: `before-${operation.id}` });
  const restoring = await prepare({ from: 'latest', before: operation.id });
  await place.run(place.steps.switchToRestored, restoring);
  expect(await committed()).toContain('commit 5');
  expect(await committed()).not.toContain('commit 6');

  const nameless = {
    name: `before-${uuidv7()}`,
    process: 'retention',
    id: uuidv7(),
    lsn: null,
    timeline: null,
    at: new Date(Date.now() - 1).toISOString(),
  };
  await putSigned(backups, restorePointKey(nameless.name), nameless);
  await commit(7);
  const plan = await place.run(place.steps.preflightRestore, {
    from: 'latest',
    before: nameless.name.slice('before-'.length),
  });
  expect(plan).toMatchObject({ to: 'time', restorePoint: null });
});

test('anchors of the life that ended count no more, and those that the restored database has written already do', async () => {
  const { settings, backups } = place.tools;
  const signer = createSigner(settings.SECRET_KEY);
  await withDatabase(settings.DATABASE_URL, async (db) => {
    const seal = createSealer(db);
    while ((await seal())?.isMore);
    const before = await readHead(db);
    const head = { position: String(before.position), hash: Buffer.from(before.hash).toString('hex') };
    const ofAnother = { position: before.position + 5n, hash: randomBytes(32) };
    await writeAnchor(backups, signer, ofAnother, new Date(Date.now() - 3_600_000));
    await sql(`INSERT INTO audit_events (id, type, at, subject) VALUES ($1, 'test', now(), 'draft')`, [uuidv7()]);
    await seal();
    const own = await readHead(db);
    expect(await writeAnchor(backups, signer, own)).toBe(true);
    await noteAnchored(db, ofAnother);
    await noteAnchored(db, own);
    const verify = () => verifyTrail({ db, store: backups, verifier: signer });
    expect(await verify()).toMatchObject({ ok: false, reason: 'tail_cut' });

    const restorations = async () =>
      (await collect(backups.list('audit/anchors/'))).filter((key) => key.includes('-restored-')).length;
    const written = await restorations();
    for (const _ of [1, 2]) await abandonAnchors(place.tools, head);
    expect(await verify()).toMatchObject({ ok: true, reason: null });
    expect(await restorations()).toBe(written + 1);
  });
});

test('an undo abandons the anchors of the restored database, also where its own trail is longer', async () => {
  const { settings, backups } = place.tools;
  const signer = createSigner(settings.SECRET_KEY);
  const record = (events: number) =>
    sql(`INSERT INTO audit_events (id, type, at, subject)
      SELECT gen_random_uuid(), 'test', now(), 'draft' FROM generate_series(1, ${events})`);
  const eventsSoFar = async () =>
    BigInt((await sql<{ count: string }>('SELECT count(*) FROM audit_events'))[0]?.count ?? 0);
  const anchorAndVerify = () =>
    withDatabase(settings.DATABASE_URL, async (db) => {
      const seal = createSealer(db);
      while ((await seal())?.isMore);
      expect(await anchorHead({ db, store: backups, signer }, new Date(), true)).toMatchObject({ isSame: true });
      const { position } = await readHead(db);
      return { head: position, verified: await verifyTrail({ db, store: backups, verifier: signer }) };
    });
  const time = new Date().toISOString();
  await record(10);
  const taken = await anchorAndVerify();
  await record(40);
  const before = await anchorAndVerify();

  const restoring = await prepare({ from: 'latest', time });
  await place.run(place.steps.switchToRestored, restoring);
  // It anchors a position that is anchored already.
  await record(Number(taken.head - (await eventsSoFar())));
  const restored = await anchorAndVerify();
  expect(restored.head).toBe(taken.head);
  expect(restored.verified).toMatchObject({ ok: true, reason: null });
  expect(restored.head).toBeLessThan(before.head);

  await place.run(place.followUp.undoSwitch, { restoreId: restoring.restoreId, undoId: uuidv7() });
  const undone = await anchorAndVerify();
  expect(undone.head).toBeGreaterThan(before.head);
  expect(undone.verified).toMatchObject({ ok: true, reason: null });
});
