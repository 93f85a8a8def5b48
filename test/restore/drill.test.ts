// A drill by a real worker: proven, reported, and not proven where the backup is damaged.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { lastProven, listReports, readReport } from '../../activities/drill-reports';
import type { restoreDrill } from '../../workflows';
import { progress, restoreDrillWorkflowId } from '../../workflows/contracts/restore-drill';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import type { SupervisedHost } from '../support/recovery-host';
import type { TestNamespace } from '../support/temporal';
import { makeDatabaseSet } from './database-set';
import { RestoringHost } from './restoring-host';

let place: RestoringHost;
let host: SupervisedHost;
let temporal: TestNamespace;

beforeAll(async () => {
  place = await RestoringHost.start();
  ({ host, temporal } = place);
  place.runWorker();
  await makeDatabaseSet(host.tools);
});
afterAll(() => place?.close());

async function drill() {
  const drillId = uuidv7();
  const handle = await temporal.client.workflow.start<typeof restoreDrill>('restoreDrill', {
    workflowId: restoreDrillWorkflowId(drillId),
    taskQueue: TASK_QUEUES.ops,
    args: [{ drillId }],
  });
  return { handle, outcome: await handle.result().catch((error: Error) => error) };
}

test('proves a restore to a random second, and measures it', async () => {
  const { handle, outcome } = await drill();
  expect(outcome).toMatchObject({ outcome: 'PROVEN', problem: null });
  const told = await handle.query(progress);
  const steps = ['preflight', 'postgres', 'recover', 'check', 'rewind', 'files', 'switch'] as const;
  expect(told.steps.map(({ step }) => step)).toEqual([...steps, 'report']);
  const { recoverySeconds = null, stepSeconds = {} } = told.result ?? {};
  expect(Object.keys(stepSeconds)).toEqual(steps);
  const sum = steps.reduce((seconds, step) => seconds + (stepSeconds[step] ?? Number.NaN), 0);
  expect(Math.abs((recoverySeconds ?? 0) - sum)).toBeLessThan(1);
  expect(await lastProven(host.tools.backups, host.tools.signer)).toMatchObject({ outcome: 'PROVEN' });
  expect(readdirSync(host.folder).filter((name) => /^(data|drill)-/.test(name))).toEqual([]);
});

test('is NOT PROVEN where one byte of the backup is another, and its report is chained to the last', async () => {
  const folder = join(
    host.environment.BACKUP_URL?.slice('file://'.length) ?? '',
    'pgbackrest',
    'backup',
    'countersign',
  );
  const [label = ''] = readdirSync(folder).filter((name) => /^\d{8}-\d{6}F$/.test(name));
  const file = join(folder, label, 'pg_data', 'global', 'pg_control.lz4');
  const bytes = readFileSync(file);
  bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
  writeFileSync(file, bytes);

  const { handle, outcome } = await drill();
  expect(outcome).toBeInstanceOf(Error);
  expect((await handle.query(progress)).problem).toMatchObject({ code: 'broken_backup' });
  const { backups, signer } = host.tools;
  const [first = '', second = ''] = await listReports(backups);
  const [one, two] = await Promise.all([first, second].map((key) => readReport(backups, signer, key)));
  expect(one).toMatchObject({ previous: null, report: { outcome: 'PROVEN' } });
  expect(two).toMatchObject({ previous: expect.stringMatching(/^[0-9a-f]{64}$/), report: { outcome: 'NOT PROVEN' } });
});
