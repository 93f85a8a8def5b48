// What is recorded of backups, restores and drills, each on a host of its own.
import { uuidv7 } from 'uuidv7';
import type { clusterRetention, restoreDrill, undoRestore } from '../../workflows';
import { progress as backupProgress, backupWorkflowId, toSetId } from '../../workflows/contracts/backup';
import { CLUSTER_RETENTION_SCHEDULE } from '../../workflows/contracts/cluster-retention';
import {
  abort,
  confirmSwitch,
  progress,
  type RestoreTarget,
  restoreWorkflowId,
} from '../../workflows/contracts/restore';
import { restoreDrillWorkflowId } from '../../workflows/contracts/restore-drill';
import { reconcileWorkflowId, undoWorkflowId } from '../../workflows/contracts/restore-follow-up';
import { TASK_QUEUES } from '../../workflows/contracts/task-queues';
import type { RestoredService } from '../restore/restored-service';
import { holdLock } from '../support/lock-holder';
import { until } from '../support/until';
import { RELEASE_SCENARIOS } from './release-scenarios';
import { type Recorded, SCENARIOS } from './scenarios';

type RecoveryScenario = (service: RestoredService) => Promise<Recorded>;

/** One that nobody has told to switch yet, to its end. */
async function restoreUntil(
  service: RestoredService,
  target: RestoreTarget,
  answer: (handle: Awaited<ReturnType<RestoredService['startRestore']>>['handle']) => Promise<void>,
): Promise<Recorded> {
  const { restoreId, handle } = await service.startRestore(target, false);
  await until('it asks', async () => (await handle.query(progress)).status === 'awaiting_confirmation');
  await answer(handle);
  await handle.result().catch(() => {});
  return { workflowId: restoreWorkflowId(restoreId) };
}

async function restored(service: RestoredService): Promise<string> {
  const setId = await service.backUp();
  await service.base.submitForReview('lost@example.org');
  return (await service.restoreTo({ from: setId })).restoreId;
}

async function drill({ workflows }: RestoredService): Promise<Recorded> {
  const drillId = uuidv7();
  const workflowId = restoreDrillWorkflowId(drillId);
  const options = { workflowId, taskQueue: TASK_QUEUES.ops, args: [{ drillId }] as [{ drillId: string }] };
  await workflows.execute<typeof restoreDrill>('restoreDrill', options).catch(() => {});
  return { workflowId };
}

export const RECOVERY_SCENARIOS: Record<string, RecoveryScenario> = {
  'backup-done': async (service) => ({ workflowId: backupWorkflowId(await service.backUp()) }),
  async 'backup-in-its-turn'(service) {
    const lock = await holdLock(service.base.temporal, 'erasure-before-it');
    const { setId, handle } = await service.startBackup();
    await until('it waits', async () => (await handle.query(backupProgress)).status === 'waiting');
    await lock.release();
    await handle.result();
    return { workflowId: backupWorkflowId(setId) };
  },
  async 'backup-of-a-set-that-is-there'(service) {
    const setId = await service.backUp();
    const { handle } = await service.startBackup(setId, `${backupWorkflowId(setId)}-again`);
    await handle.result().catch(() => {});
    return { workflowId: handle.workflowId };
  },
  async 'backup-that-gives-way'(service) {
    await service.backUp();
    const { setId, handle } = await service.startBackup(toSetId(new Date(Date.now() + 60_000)));
    await until('it runs', async () => (await handle.query(backupProgress)).status === 'running');
    await service.restoreTo({ from: 'latest' });
    await handle.result().catch(() => {});
    return { workflowId: backupWorkflowId(setId) };
  },
  'restore-done': async (service) => ({ workflowId: restoreWorkflowId(await restored(service)) }),
  async 'restore-confirmed'(service) {
    await service.backUp();
    return restoreUntil(service, { from: 'latest' }, (handle) => handle.signal(confirmSwitch, { actor: 'a test' }));
  },
  async 'restore-given-up'(service) {
    await service.backUp();
    return restoreUntil(service, { from: 'latest' }, (handle) => handle.signal(abort, { actor: 'a test' }));
  },
  async 'restore-refused'(service) {
    const { restoreId, handle } = await service.startRestore({ from: 'latest', before: 'nothing' });
    await handle.result().catch(() => {});
    return { workflowId: restoreWorkflowId(restoreId) };
  },
  async 'restore-reconciled'(service) {
    const restoreId = await restored(service);
    await service.reconcile(restoreId);
    return { workflowId: reconcileWorkflowId(restoreId) };
  },
  async 'restore-loss-accepted'(service) {
    const restoreId = await restored(service);
    await service.reconcile(restoreId, true);
    return { workflowId: reconcileWorkflowId(restoreId) };
  },
  async 'restore-undone'(service) {
    const restoreId = await restored(service);
    const workflowId = undoWorkflowId(restoreId);
    const options = { workflowId, taskQueue: TASK_QUEUES.ops, args: [{ restoreId }] as [{ restoreId: string }] };
    await service.workflows.execute<typeof undoRestore>('undoRestore', options);
    return { workflowId };
  },
  async 'drill-proven'(service) {
    await service.backUp();
    return drill(service);
  },
  async 'drill-of-all-steps'(service) {
    await service.backUp();
    return drill(service);
  },
  'drill-not-proven': (service) => drill(service),
  async 'old-clusters-looked-for'({ workflows }) {
    const workflowId = `${CLUSTER_RETENTION_SCHEDULE}-of-a-test`;
    await workflows.execute<typeof clusterRetention>('clusterRetention', { workflowId, taskQueue: TASK_QUEUES.ops });
    return { workflowId };
  },
};

/** Of all that is recorded. */
export const SCENARIO_NAMES = [SCENARIOS, RECOVERY_SCENARIOS, RELEASE_SCENARIOS].flatMap(Object.keys).sort();
