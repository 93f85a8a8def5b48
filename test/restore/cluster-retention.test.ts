// The database that a restore replaced goes by itself after UNDO_RETENTION_DAYS: on a real cluster, with real folders.
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { createClusterRetentionActivities } from '../../activities/cluster-retention';
import { type RestoreRecord, readRecord, writeRecord } from '../../activities/restore/records';
import { listRemovals } from '../../activities/restore/removals';
import { withDatabase } from '../../activities/restore/rewound';
import { createRemains } from '../../activities/user-erasure/remains';
import { startBeside } from '../../ops/local/beside';
import { livingName } from '../../ops/local/clusters';
import { createLogger } from '../../ops/runtime/logging';
import type { clusterRetention } from '../../workflows';
import { CLUSTER_RETENTION_SCHEDULE } from '../../workflows/contracts/cluster-retention';
import { holdLock } from '../support/lock-holder';
import { until } from '../support/until';
import { makeDatabaseSet } from './database-set';
import { RestoringHost } from './restoring-host';

const DAY_MS = 86_400_000;
let place: RestoringHost;
let record: RestoreRecord;
beforeAll(async () => {
  place = await RestoringHost.start();
  await makeDatabaseSet(place.tools);
  record = await restore();
});
afterAll(() => place?.close());

async function restore(): Promise<RestoreRecord> {
  const restoring = await place.bring({ from: 'latest' });
  await place.run(place.steps.recoverCluster, restoring);
  await place.run(place.steps.rewindRestored, restoring);
  return place.run(place.steps.switchToRestored, restoring);
}

/** One run of the activity. */
const remove = (days: number): Promise<string[]> =>
  withDatabase(place.tools.settings.DATABASE_URL, (db) => {
    const tools = { ...place.tools, settings: { ...place.tools.settings, UNDO_RETENTION_DAYS: days } };
    const { removeLeftClusters } = createClusterRetentionActivities(tools, {
      db,
      logger: createLogger('test', 'silent'),
    });
    return place.run(removeLeftClusters);
  });
const folder = (name: string) => join(place.host.folder, name);
const hasCluster = (name: string) => existsSync(join(folder(name), 'PG_VERSION'));
const settle = (changes: Partial<RestoreRecord> = {}) =>
  writeRecord(place.tools.backups, { ...record, state: 'accepted', ...changes });
const removalsOf = (cluster: string) =>
  place.sql<{ subject_id: string; data: object }>(
    `SELECT subject_id, data FROM audit_events WHERE type = 'restore.cluster_removed' AND data->>'cluster' = $1`,
    [cluster],
  );
const keptForUndo = async () => {
  const read = createRemains(place.tools.backups, { BACKUP_RETENTION_DAYS: 30, UNDO_RETENTION_DAYS: 7 });
  return (await read())(new Date()).keptForUndo;
};

test('stays while what its restore lost is not settled, and while its days last; the certificate says until when', async () => {
  expect(await remove(0)).toEqual([]);
  expect(await keptForUndo()).toEqual([{ cluster: 'data', until: null }]);
  await settle();
  expect(await remove(1)).toEqual([]);
  const goes = new Date(Date.parse(record.at) + 9 * DAY_MS).toISOString();
  expect(await keptForUndo()).toEqual([{ cluster: 'data', until: goes }]);
  expect(hasCluster('data')).toBe(true);
});

test('stays while a server works on it that is not ours, and while the record of the living database is missing', async () => {
  const beside = await startBeside(place.tools.host, 'data');
  const sockets = join(folder('data'), 'countersign-sockets');
  renameSync(sockets, `${sockets}.away`);
  try {
    expect(await remove(0)).toEqual([]);
  } finally {
    renameSync(`${sockets}.away`, sockets);
    await beside.stop();
  }
  await place.tools.backups.delete(`restores/${record.id}.json`);
  expect(await remove(0)).toEqual([]);
  await settle();
  expect(hasCluster('data')).toBe(true);
});

test('goes once its days are over, with an audit event; the living one and what is not ours stay; an undo is refused', async () => {
  mkdirSync(folder('data-of-somebody'));
  writeFileSync(join(folder('data-of-somebody'), 'PG_VERSION'), '17');
  const others = () => readdirSync(place.host.folder).filter((name) => name !== 'data');
  const before = others();

  expect(await remove(0)).toEqual(['data']);
  expect(existsSync(folder('data'))).toBe(false);
  expect(others()).toEqual(before);
  expect(livingName(place.host.folder)).toBe(record.cluster);
  expect(await place.sql('SELECT 1 AS answers')).toEqual([{ answers: 1 }]);
  expect(await removalsOf('data')).toEqual([{ subject_id: record.id, data: { cluster: 'data' } }]);
  expect(await keptForUndo()).toEqual([]);

  expect(await remove(0)).toEqual([]);
  expect(await removalsOf('data')).toHaveLength(1);
  await expect(place.run(place.followUp.undoSwitch, { restoreId: record.id, undoId: uuidv7() })).rejects.toMatchObject({
    type: 'nothing_to_undo',
    message: expect.stringContaining('UNDO_RETENTION_DAYS'),
  });
  expect(livingName(place.host.folder)).toBe(record.cluster);
});

/** What an earlier restore left, as its record says. @returns the restore's id */
async function leave(daysAgo = 0): Promise<string> {
  const id = uuidv7();
  const at = new Date(Date.parse(record.at) - daysAgo * DAY_MS - 1_000).toISOString();
  await writeRecord(place.tools.backups, { ...record, id, at, state: 'abandoned', cluster: `data-${id}` });
  mkdirSync(folder(`data-${id}`));
  cpSync(join(folder(record.cluster), 'PG_VERSION'), join(folder(`data-${id}`), 'PG_VERSION'));
  return id;
}

test('what a drill left that was terminated goes with the next run, whatever its age', async () => {
  const home = folder(`drill-${uuidv7()}`);
  for (const path of [home, folder('drill-of-somebody')]) mkdirSync(join(path, 'mailbox'), { recursive: true });
  expect(await remove(7)).toEqual([]);
  expect([home, folder('drill-of-somebody')].map((path) => existsSync(path))).toEqual([false, true]);
  rmSync(folder('drill-of-somebody'), { recursive: true });
});

describe('a removal that was killed', () => {
  test('after its rename is finished by the next run, with one audit event', async () => {
    const id = await leave();
    renameSync(folder(`data-${id}`), folder(`removing-data-${id}`));
    expect(await remove(0)).toEqual([`data-${id}`]);
    expect(existsSync(folder(`removing-data-${id}`))).toBe(false);
    expect(await removalsOf(`data-${id}`)).toEqual([{ subject_id: id, data: { cluster: `data-${id}` } }]);
  });

  test('after its audit event writes no second one', async () => {
    const id = await leave();
    expect(await remove(0)).toEqual([`data-${id}`]);
    mkdirSync(folder(`removing-data-${id}`));
    await remove(0);
    expect(await removalsOf(`data-${id}`)).toHaveLength(1);
  });

  test('after its folder was gone is noted by the next run', async () => {
    const id = await leave();
    renameSync(folder(`data-${id}`), join(place.host.folder, `gone-${id}`));
    expect(await remove(0)).toEqual([]);
    expect((await listRemovals(place.tools.backups)).map(({ cluster }) => cluster)).toContain(`data-${id}`);
  });
});

test('the schedule of a worker that has the tools does it, once nobody holds the lock, and spares what is young', async () => {
  const [old, young] = [await leave(8), await leave(6)];
  place.runWorker();
  const { schedule, workflow } = place.temporal.client;
  const handle = schedule.getHandle(CLUSTER_RETENTION_SCHEDULE);
  const lock = await holdLock(place.temporal);
  await handle.trigger();
  const { workflowId } = await until('it starts a run', async () => {
    const { info } = await handle.describe();
    return info.recentActions.at(-1)?.action.workflow;
  });
  const run = workflow.getHandle<typeof clusterRetention>(workflowId);
  await until('it waits for the lock', async () => {
    const { raw } = await run.describe();
    return raw.pendingActivities?.find(({ lastFailure }) => lastFailure)?.lastFailure?.message?.includes('backup');
  });
  expect(hasCluster(`data-${old}`)).toBe(true);
  await lock.release();
  expect(await run.result()).toEqual({ removed: [`data-${old}`] });
  expect([old, young].map((id) => hasCluster(`data-${id}`))).toEqual([false, true]);
  expect((await readRecord(place.tools.backups, record.id))?.state).toBe('accepted');
});
