// A deployment with its real activities on a real Temporal: it ends on the new release, or, whichever step fails or is given
// up, on the one that served, with everything undone in reverse order.
import { giveUp, startDeployment, startRollback } from '../../ops/releases/runs';
import { deploymentWorkflowId } from '../../workflows/contracts/deployment';
import { rollbackWorkflowId } from '../../workflows/contracts/rollback';
import { holdLock, lockHolder } from '../support/lock-holder';
import { until } from '../support/until';
import { ReleaseHost, TWO } from './release-host';

let host: ReleaseHost;
beforeAll(async () => {
  host = await ReleaseHost.start();
});
afterAll(() => host?.close());
beforeEach(() => host.serves('1.0.0'));

const start = (to = '2.0.0') => startDeployment(host.temporal.client, to);
const ended = (id: string) => host.ended(id, deploymentWorkflowId(id));
const deploy = async (to?: string) => ended(await start(to));

const FORTH = ['plan', 'migrate', 'workers', 'trial', 'current', 'api', 'watch'];
const BACK = ['undo_api', 'undo_current', 'undo_trial', 'undo_workers', 'undo_migrate'];
const BETWEEN = { from: '1.0.0', to: '2.0.0' };
const STEPS = [
  ['migrate', 'migrateUp', BACK.slice(4)],
  ['workers', 'startWorkers', BACK.slice(3)],
  ['trial', 'tryApi', BACK.slice(2)],
  ['current', 'makeCurrent', BACK.slice(1)],
  ['api', 'serve', BACK],
  ['watch', 'watchHealth', BACK],
] as const;
/** The release that failed is known, and nothing else has changed. */
const undone = (before: Awaited<ReturnType<ReleaseHost['state']>>) => ({
  ...before,
  releases: { '1.0.0': 'current', '2.0.0': 'failed' },
});

it('ends with the new release, drains the one before, and records it', async () => {
  expect(await deploy('v2.0.0')).toMatchObject({
    status: 'done',
    code: 0,
    steps: [...FORTH, 'drain'],
    problem: null,
    result: { serving: '2.0.0', drained: true, health: { api: 1, workers: 1 } },
    events: [{ type: 'release.deployed', data: BETWEEN }],
  });
  expect(await host.state()).toEqual({
    wanted: { api: '2.0.0', trial: null, workers: [{ version: '2.0.0', buildId: TWO.buildId }] },
    schema: TWO.migrations,
    build: TWO.buildId,
    releases: { '1.0.0': 'retired', '2.0.0': 'current' },
  });
});

it.each(STEPS)('undoes what was done in reverse order if %s fails after its work', async (step, activity, back) => {
  const before = await host.state();
  host.fault = { activity, then: 'fails' };
  const run = await deploy();
  expect(run).toMatchObject({
    status: 'failed',
    code: 1,
    problem: { code: 'broken' },
    result: { serving: '1.0.0', drained: false },
    events: [{ type: 'release.deployment_failed', data: BETWEEN }],
  });
  expect(run.steps).toEqual([...FORTH.slice(0, FORTH.indexOf(step) + 1), ...back]);
  expect(await host.state()).toEqual(undone(before));
});

it.each(STEPS)('undoes what was done if it is given up during %s', async (step, activity, back) => {
  const before = await host.state();
  host.fault = { activity, then: 'hangs' };
  const id = await start();
  await host.untilStruck();
  await giveUp(host.temporal.client, deploymentWorkflowId(id));
  const run = await ended(id);
  expect(run).toMatchObject({ status: 'aborted', code: 1, problem: { code: 'aborted' }, result: { serving: '1.0.0' } });
  expect(run.steps).toEqual([...FORTH.slice(0, FORTH.indexOf(step) + 1), ...back]);
  expect(await host.state()).toEqual(undone(before));
});

it('is undone if the new release dies again and again, before any run or request reaches it', async () => {
  const before = await host.state();
  host.driver.broken = ['2.0.0'];
  const run = await deploy();
  expect(run).toMatchObject({ status: 'failed', problem: { code: 'not_ready' }, result: { serving: '1.0.0' } });
  expect(run.steps).toEqual(['plan', 'migrate', 'workers', 'undo_workers', 'undo_migrate']);
  expect(await host.state()).toEqual(undone(before));
});

it('may be tried again after it failed', async () => {
  host.fault = { activity: 'watchHealth', then: 'fails' };
  await deploy();
  expect(await deploy()).toMatchObject({ status: 'done', result: { serving: '2.0.0' } });
});

it('changes nothing if its plan refuses', async () => {
  const before = await host.state();
  expect(await deploy('9.9.9')).toMatchObject({
    status: 'refused',
    code: 3,
    result: null,
    problem: { code: 'release_gone' },
    events: [],
  });
  expect(await host.state()).toEqual(before);
});

it('is refused at once while another operation holds the lock, with its holder', async () => {
  const backup = await holdLock(host.temporal);
  expect(await deploy()).toMatchObject({
    status: 'refused',
    problem: { code: 'operations_busy', message: expect.stringContaining(`backup (${backup.workflowId})`) },
  });
  await backup.release();
  await backup.end();
});

it('gives the lock back before it drains, and a rollback ends the drain', async () => {
  host.fault = { activity: 'drainWorkers', then: 'hangs' };
  const id = await start();
  await host.untilStruck();
  expect(await lockHolder(host.temporal)).toBeNull();
  // Temporal lists a run a moment after it began.
  await until('the drain is listed', async () => {
    const query = `WorkflowType = 'deployment' AND ExecutionStatus = 'Running'`;
    return (await host.temporal.client.workflow.count(query)).count === 1;
  });
  const rollbackId = await startRollback(host.temporal.client, { yes: true });
  const back = await host.ended(rollbackId, rollbackWorkflowId(rollbackId));
  expect(back).toMatchObject({ status: 'done', result: { serving: '1.0.0' } });
  expect(await ended(id)).toMatchObject({ status: 'aborted', result: { serving: '2.0.0', drained: false } });
  expect((await host.state()).wanted).toMatchObject({ api: '1.0.0', workers: [{ version: '1.0.0' }] });
});
