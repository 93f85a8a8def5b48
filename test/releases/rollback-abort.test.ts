// A rollback that is given up: whatever it is doing, it undoes what it has done, and the release that served goes on.
import { uuidv7 } from 'uuidv7';
import { readRun } from '../../ops/recovery/runs';
import { confirm, giveUp, startRollback } from '../../ops/releases/runs';
import { rollbackWorkflowId } from '../../workflows/contracts/rollback';
import { until } from '../support/until';
import { ReleaseHost } from './release-host';

let host: ReleaseHost;
beforeAll(async () => {
  host = await ReleaseHost.start();
});
afterAll(() => host?.close());
beforeEach(() => host.serves('2.0.0', '1.0.0'));

async function start(yes = true) {
  const id = uuidv7();
  await startRollback(host.temporal.client, { rollbackId: id, ...(yes ? { yes } : {}) });
  const workflowId = rollbackWorkflowId(id);
  return {
    id,
    handle: host.temporal.client.workflow.getHandle(workflowId),
    abort: () => giveUp(host.temporal.client, workflowId),
    ended: () => host.ended(id, workflowId),
    waits: () =>
      until('it asks', async () => {
        const run = await readRun(host.temporal.client, workflowId);
        return run?.status === 'awaiting_confirmation';
      }),
  };
}

const BACK = ['undo_api', 'undo_database', 'undo_workers', 'undo_traffic_out'];
const failed = [{ type: 'release.rollback_failed', data: { from: '2.0.0', to: '1.0.0' } }];

it.each([
  ['plan', 'planRollback', [], []],
  ['restore_point', 'markRollbackPoint', [], failed],
  ['traffic_out', 'takeTrafficOut', BACK.slice(3), failed],
  ['workers', 'switchWorkers', BACK.slice(2), failed],
  ['database', 'migrateDown', BACK.slice(1), failed],
  ['api', 'serve', BACK, failed],
  ['watch', 'watchHealth', BACK, failed],
] as const)('undoes what was done if it is given up during %s', async (step, activity, undone, events) => {
  const before = await host.state();
  host.fault = { activity, then: 'hangs' };
  const run = await start();
  await host.untilStruck();
  await run.abort();
  const ended = await run.ended();
  expect(ended).toMatchObject({ status: 'aborted', code: 1, problem: { code: 'aborted' }, events });
  expect(ended.steps.slice(ended.steps.indexOf(step) + 1)).toEqual(undone);
  expect(ended.result ?? { serving: '2.0.0' }).toMatchObject({ serving: '2.0.0' });
  expect(await host.state()).toEqual(before);
});

it('changes nothing if it is given up instead of confirmed', async () => {
  const before = await host.state();
  const run = await start(false);
  await run.waits();
  await run.abort();
  const ended = await run.ended();
  expect([ended.status, ended.steps]).toEqual(['aborted', ['plan', 'confirm']]);
  expect(await host.state()).toEqual(before);
});

it('goes on once it is confirmed', async () => {
  const run = await start(false);
  await run.waits();
  await confirm(host.temporal.client, run.id);
  expect(await run.ended()).toMatchObject({ status: 'done', result: { serving: '1.0.0' } });
});

it('undoes what was done if Temporal is asked to cancel it', async () => {
  const before = await host.state();
  host.fault = { activity: 'switchWorkers', then: 'hangs' };
  const run = await start();
  await host.untilStruck();
  await run.handle.cancel();
  expect(await run.ended()).toMatchObject({ status: 'aborted', events: failed });
  expect(await host.state()).toEqual(before);
});

it('undoes all of it, however often it is given up meanwhile', async () => {
  const before = await host.state();
  host.fault = { activity: 'watchHealth', then: 'hangs' };
  const run = await start();
  await host.untilStruck();
  host.fault = { activity: 'migrateUp', then: 'waits' };
  await run.abort();
  await host.untilStruck();
  await run.abort();
  await run.handle.cancel();
  host.goesOn.resolve();
  const ended = await run.ended();
  expect([ended.status, ended.steps.slice(-4)]).toEqual(['aborted', BACK]);
  expect(await host.state()).toEqual(before);
});

it('stays done if it is given up after the earlier release was found healthy', async () => {
  host.fault = { activity: 'noteRolledBack', then: 'waits' };
  const run = await start();
  await host.untilStruck();
  await run.abort();
  host.goesOn.resolve();
  expect(await run.ended()).toMatchObject({ status: 'done', code: 0, result: { serving: '1.0.0' } });
  expect((await host.state()).wanted.api).toBe('1.0.0');
});
