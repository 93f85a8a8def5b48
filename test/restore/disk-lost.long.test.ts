// The disk of the database is lost while a backup runs, which waits for the database: the restore does not wait for it.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import type { backup, restore } from '../../workflows';
import { progress as backupProgress, backupWorkflowId, toSetId } from '../../workflows/contracts/backup';
import { restoreWorkflowId } from '../../workflows/contracts/restore';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { lockHolder } from '../support/lock-holder';
import type { SupervisedHost } from '../support/recovery-host';
import type { TestNamespace } from '../support/temporal';
import { until } from '../support/until';
import { makeDatabaseSet } from './database-set';
import { query, RestoringHost } from './restoring-host';

let place: RestoringHost;
let host: SupervisedHost;
let temporal: TestNamespace;

beforeAll(async () => {
  place = await RestoringHost.start();
  ({ host, temporal } = place);
  place.startWorker();
  await makeDatabaseSet(host.tools);
});
afterAll(() => place?.close());

test('the backup is cancelled, and the database is back', async () => {
  const url = host.tools.settings.DATABASE_URL;
  await query(url, 'INSERT INTO principals (id, name) VALUES ($1, $2)', [uuidv7(), 'kept']);
  await query(url, 'SELECT pg_switch_wal()');
  await until('it is kept', async () => {
    const waiting = await query(url, "SELECT FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'");
    return waiting.length === 0;
  });
  renameSync(join(host.folder, 'data'), join(host.folder, 'lost'));
  process.kill(host.pid(), 'SIGKILL');

  const setId = toSetId(new Date());
  const running = await temporal.client.workflow.start<typeof backup>('backup', {
    workflowId: backupWorkflowId(setId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ setId, kind: 'full', parts: ['postgres'] }],
  });
  await until('it holds the lock', async () => (await lockHolder(temporal).catch(() => null))?.process === 'backup');
  const restoreId = uuidv7();
  const restoring = await temporal.client.workflow.start<typeof restore>('restore', {
    workflowId: restoreWorkflowId(restoreId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ restoreId, target: { from: 'latest' }, dryRun: false, yes: true }],
  });
  // An empty one was made in its place meanwhile: another cluster, which nobody takes for what had been.
  expect(await restoring.result()).toMatchObject({ previous: 'data', lost: { complete: false } });
  expect(await running.query(backupProgress)).toMatchObject({ status: 'aborted' });
  expect(await query(url, "SELECT name FROM principals WHERE name = 'kept'")).toEqual([{ name: 'kept' }]);
});
