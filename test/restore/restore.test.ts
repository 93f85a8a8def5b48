// A database restored beside the one that lives, switched to, and undone: on a real cluster that is started again by its pointer.
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { createRestoreActivities, type Restoring } from '../../activities/restore';
import { createFollowUpActivities } from '../../activities/restore/follow-up';
import { type RewindDependencies, withDatabase } from '../../activities/restore/rewound';
import { createRestorePoint, restorePointName } from '../../activities/restore-points';
import { livingName } from '../../ops/local/clusters';
import { createLogger } from '../../ops/runtime/logging';
import { createErasure } from '../../worker/erasure';
import type { RestoreTarget } from '../../workflows/contracts/restore';
import { type SupervisedHost, startSupervisedHost } from '../support/recovery-host';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { makeDatabaseSet } from './database-set';

jest.setTimeout(120_000);

let host: SupervisedHost;
let temporal: TestNamespace;
let restore: ReturnType<typeof createRestoreActivities>;
let followUp: ReturnType<typeof createFollowUpActivities>;

beforeAll(async () => {
  [host, temporal] = await Promise.all([startSupervisedHost(), createTestNamespace()]);
  const { tools } = host;
  const { settings, files, backups } = tools;
  const logger = createLogger('test', 'silent');
  const dependencies: RewindDependencies = {
    temporal: temporal.client,
    erasuresOn: (db) =>
      createErasure({ db, files, backups, redis: null, temporal: temporal.client, settings, logger }).replay,
  };
  restore = createRestoreActivities(tools, dependencies);
  followUp = createFollowUpActivities(tools, dependencies);
});
afterAll(async () => {
  await temporal?.close();
  await host?.postgres.stop();
});

const run = <A extends unknown[], R>(activity: (...args: A) => Promise<R>, ...args: A): Promise<R> =>
  new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR', () => {}) }).run(activity, ...args);

async function sql<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
  const client = new pg.Client({ connectionString: host.tools.settings.DATABASE_URL });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<T>(text, values)).rows;
  } finally {
    await client.end();
  }
}

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
  const plan = await run(restore.preflightRestore, target);
  const restoring = { restoreId: uuidv7(), plan };
  await run(restore.restoreClusterFiles, restoring);
  await run(restore.recoverCluster, restoring);
  await run(restore.checkRestored, restoring);
  await run(restore.rewindRestored, restoring);
  return restoring;
}

test('goes back to a moment, keeps what came after for an undo, and archives its own log from then on', async () => {
  await makeDatabaseSet(host.tools);
  await commit(1);
  await sql('SELECT pg_sleep(0.05)');
  const between = new Date().toISOString();
  await sql('SELECT pg_sleep(0.05)');
  await commit(2);

  const restoring = await prepare({ from: 'latest', time: between });
  expect(await committed()).toEqual(['commit 1', 'commit 2']);
  const record = await run(restore.switchToRestored, restoring);
  expect(await committed()).toEqual(['commit 1']);
  expect(record).toMatchObject({
    state: 'switched',
    previous: 'data',
    generation: 2,
    timeline: 2,
    previousTimeline: 1,
  });
  expect(livingName(host.folder)).toBe(record.cluster);
  expect(await sql('SELECT name, held FROM lanes ORDER BY name')).toEqual(
    expect.arrayContaining([{ name: 'email', held: true }]),
  );
  expect(await run(followUp.listLost, restoring.restoreId)).toMatchObject({ complete: true, drafts: 0 });

  // A second restore follows the new timeline.
  await commit(3);
  const again = await prepare({ from: 'latest' });
  expect(again.plan).toMatchObject({ to: 'end', timeline: 2 });
  await run(restore.discardRestored, again.restoreId);

  const undoId = uuidv7();
  await run(followUp.undoSwitch, { restoreId: restoring.restoreId, undoId });
  expect(await committed()).toEqual(['commit 1', 'commit 2']);
  const [{ generation } = { generation: 0 }] = await sql<{ generation: number }>('SELECT generation FROM instance');
  expect(generation).toBe(3);
  await run(followUp.releaseSending, { restoreId: undoId, acceptLoss: true });
  expect(await sql('SELECT 1 FROM lanes WHERE held')).toEqual([]);
  await until('the undone database takes writes', () => commit(4).then(() => true));
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
  await expect(run(restore.preflightRestore, target())).rejects.toThrow(message);
});

test('goes back to before an operation that recorded a point, and to its time where the log could not be given a name', async () => {
  const { backups } = host.tools;
  await makeDatabaseSet(host.tools, 'incr');
  await commit(5);
  const operation = { process: 'userErasure', id: uuidv7() } as const;
  const logger = createLogger('test', 'silent');
  await withDatabase(host.tools.settings.DATABASE_URL, (db) =>
    createRestorePoint({ db, backups, logger }, { name: restorePointName(operation.id), ...operation }),
  );
  await commit(6);
  const before = await run(restore.preflightRestore, { from: 'latest', before: operation.id });
  expect(before).toMatchObject({ to: 'restore_point', restorePoint: `before-${operation.id}` });
  const restoring = await prepare({ from: 'latest', before: operation.id });
  await run(restore.switchToRestored, restoring);
  expect(await committed()).toContain('commit 5');
  expect(await committed()).not.toContain('commit 6');

  const nameless = {
    name: `before-${uuidv7()}`,
    lsn: null,
    timeline: null,
    at: new Date(Date.now() - 1).toISOString(),
  };
  await backups.put(`restore-points/${nameless.name}.json`, Buffer.from(JSON.stringify(nameless)));
  await commit(7);
  const plan = await run(restore.preflightRestore, { from: 'latest', before: nameless.name.slice('before-'.length) });
  expect(plan).toMatchObject({ to: 'time', restorePoint: null });
});
