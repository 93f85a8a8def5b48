// A rollback with its real activities on a real Temporal: it ends on the earlier release, or, whichever step fails, on the one
// that served, with everything undone in reverse order.

import { uuidv7 } from 'uuidv7';
import { readRun } from '../../ops/recovery/runs';
import { startRollback } from '../../ops/releases/runs';
import { rollbackWorkflowId } from '../../workflows/contracts/rollback';
import { holdLock } from '../support/lock-holder';
import { ONE, ReleaseHost, TWO } from './release-host';

let host: ReleaseHost;
beforeAll(async () => {
  host = await ReleaseHost.start();
});
afterAll(() => host?.close());
beforeEach(() => host.serves('2.0.0', '1.0.0'));

async function rollBack(changes: { dryRun?: boolean; to?: string } = {}) {
  const rollbackId = uuidv7();
  await startRollback(host.temporal.client, { rollbackId, yes: true, ...changes });
  return host.ended(rollbackId, rollbackWorkflowId(rollbackId));
}

const FORTH = ['plan', 'restore_point', 'traffic_out', 'workers', 'database', 'api', 'watch'];
const BACK = ['undo_api', 'undo_database', 'undo_workers', 'undo_traffic_out'];
const BETWEEN = { from: '2.0.0', to: '1.0.0' };

it('ends with the earlier release for API, workers, runs and database, and records it', async () => {
  const run = await rollBack();
  expect(run).toMatchObject({
    status: 'done',
    code: 0,
    steps: FORTH,
    problem: null,
    result: { serving: '1.0.0', health: { api: 1, workers: 1 }, plan: { from: { version: '2.0.0' } } },
    events: [{ type: 'release.rolled_back', data: BETWEEN }],
  });
  expect(await host.state()).toEqual({
    wanted: { api: '1.0.0', trial: null, workers: [{ version: '1.0.0', buildId: ONE.buildId }] },
    schema: ONE.migrations,
    build: ONE.buildId,
    releases: { '1.0.0': 'current', '2.0.0': 'rolled_back' },
  });
});

it.each([
  ['restore_point', 'markRollbackPoint', []],
  ['traffic_out', 'takeTrafficOut', BACK.slice(3)],
  ['workers', 'switchWorkers', BACK.slice(2)],
  ['database', 'migrateDown', BACK.slice(1)],
  ['api', 'serve', BACK],
  ['watch', 'watchHealth', BACK],
] as const)('undoes what was done in reverse order if %s fails after its work', async (step, activity, undone) => {
  const before = await host.state();
  host.fault = { activity, then: 'fails' };
  const run = await rollBack();
  expect(run).toMatchObject({
    status: 'failed',
    code: 1,
    problem: { code: 'broken' },
    result: { serving: '2.0.0', health: null },
    events: [{ type: 'release.rollback_failed', data: BETWEEN }],
  });
  expect(run.steps).toEqual([...FORTH.slice(0, FORTH.indexOf(step) + 1), ...undone]);
  expect(await host.state()).toEqual(before);
});

it('undoes all of it if the registry can’t record the end', async () => {
  const before = await host.state();
  host.fault = { activity: 'noteRolledBack', then: 'fails' };
  const run = await rollBack();
  expect([run.status, run.steps]).toEqual(['failed', [...FORTH, ...BACK]]);
  expect(await host.state()).toMatchObject({ ...before, releases: expect.anything() });
});

it('is undone if the earlier release can’t become ready', async () => {
  const before = await host.state();
  host.driver.broken = ['1.0.0'];
  const run = await rollBack();
  expect(run).toMatchObject({
    status: 'failed',
    problem: { code: 'not_ready', message: expect.stringContaining('The worker of 1.0.0 dies again and again') },
    result: { serving: '2.0.0' },
  });
  expect(await host.state()).toEqual(before);
});

it('comes to its end even if the release that it undoes to is broken too', async () => {
  const before = await host.state();
  host.driver.broken = ['1.0.0', '2.0.0'];
  expect(await rollBack()).toMatchObject({ status: 'failed', result: { serving: '2.0.0' } });
  expect(await host.state()).toEqual(before);
});

it('changes nothing if its plan refuses, and says why', async () => {
  const before = await host.state();
  const run = await rollBack({ to: '9.9.9' });
  expect(run).toMatchObject({
    status: 'refused',
    code: 3,
    result: null,
    problem: { code: 'unknown_release' },
    steps: ['plan'],
    events: [],
  });
  expect(await host.state()).toEqual(before);
});

it('that is only rehearsed changes nothing, and says where it can be rehearsed', async () => {
  const before = await host.state();
  expect(await rollBack({ dryRun: true })).toMatchObject({
    status: 'done',
    steps: ['plan', 'rehearse'],
    result: { rehearsal: { verdict: 'not_rehearsed', problem: { code: 'no_tools' } }, serving: '2.0.0' },
    events: [],
  });
  expect(await host.state()).toEqual(before);
});

it('is refused at once while another operation holds the lock, with its holder', async () => {
  const before = await host.state();
  const backup = await holdLock(host.temporal);
  const run = await rollBack();
  expect(run).toMatchObject({
    status: 'refused',
    code: 3,
    problem: {
      code: 'operations_busy',
      message: expect.stringContaining(`backup (${backup.workflowId}) holds the lock`),
    },
    steps: [],
    events: [],
  });
  expect(await host.state()).toEqual(before);
  await backup.release();
  await backup.end();
});

it('goes back twice: what was rolled back is not where the next rollback goes', async () => {
  await rollBack();
  expect(await rollBack()).toMatchObject({ status: 'refused', problem: { code: 'no_previous_release' } });
  expect(await host.state()).toMatchObject({
    releases: { '1.0.0': 'current', '2.0.0': 'rolled_back' },
    build: ONE.buildId,
  });
  expect(TWO.migrations.length).toBeGreaterThan(host.driver.schema.length);
});

it('is still known as refused, with its reason, when no worker answers for it any more', async () => {
  const rollbackId = uuidv7();
  await startRollback(host.temporal.client, { rollbackId, yes: true, to: '9.9.9' });
  await host.ended(rollbackId, rollbackWorkflowId(rollbackId));
  await host.endWorkers();
  expect(await readRun(host.temporal.client, rollbackWorkflowId(rollbackId))).toMatchObject({
    status: 'refused',
    problem: { code: 'unknown_release', message: expect.stringContaining('9.9.9') },
    isOver: true,
  });
});
