import { Worker } from '@temporalio/worker';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import { holdLock } from '../support/lock-holder';
import { createTestNamespace, type TestNamespace } from '../support/temporal';
import { workflowBundle } from '../support/workflow-bundle';
import { problem, TestApi } from './test-api';

let temporal: TestNamespace;
let api: TestApi;
let away: TestApi;
let worker: Worker;
let running: Promise<void>;
beforeAll(async () => {
  temporal = await createTestNamespace();
  api = await TestApi.create({ temporal });
  away = await TestApi.create({ database: api.database });
  worker = await Worker.create({
    connection: await temporal.nativeConnection(),
    namespace: temporal.namespace,
    taskQueue: TASK_QUEUES.ops,
    workflowBundle: workflowBundle(),
  });
  running = worker.run();
});
afterAll(async () => {
  worker?.shutdown();
  await running;
  await away?.close();
  await api?.close();
  await temporal?.close();
});

describe('the operations lock', () => {
  it('is nobody’s before anybody has asked for it, then its holder’s, then nobody’s again', async () => {
    const ops = await api.person('an operator', 'ops');
    const look = async () => (await ops.get('/api/ops/operations')).body;
    expect(await look()).toEqual({ holder: null });
    const backup = await holdLock(temporal);
    const { workflowId } = backup;
    expect(await look()).toEqual({ holder: { process: 'backup', workflowId, since: expect.any(String) } });
    await backup.release();
    expect(await look()).toEqual({ holder: null });
  });

  it('cannot be told while Temporal is away', async () => {
    const { status, body, headers } = await away.admin.get('/api/ops/operations');
    expect([status, body, headers['retry-after']]).toEqual([503, problem('processes-unavailable', 503), '1']);
  });
});
