// One rollback to an earlier release, as one unit: workers, workflows under way, database and API. If a step fails, or somebody
// gives it up, every step before it is undone: in the end one of the two releases serves, healthy.
import { CancellationScope, condition, proxyActivities, setHandler } from '@temporalio/workflow';
import type { ReleaseActivities } from '../activities/releases';
import { createCompensation } from './compensation';
import {
  confirmRollback,
  plan as planQuery,
  progress,
  type RollbackInput,
  type RollbackPlan,
  type RollbackResult,
  type RollbackStep,
} from './contracts/rollback';
import { exclusively } from './exclusively';
import { givenUp, handleGivingUp } from './giving-up';
import { RELEASE_STEP, RELEASE_UNDO } from './profiles';
import { keepProgress } from './recovery-progress';

const step = proxyActivities<ReleaseActivities>(RELEASE_STEP);
const undo = proxyActivities<ReleaseActivities>(RELEASE_UNDO);

/** It holds the lock of all operations meanwhile. */
const CONFIRMED_WITHIN = '1 hour';

export async function rollback({ rollbackId, to, dryRun, yes }: RollbackInput): Promise<RollbackResult> {
  const told = keepProgress<RollbackStep, RollbackResult>(`rollback ${rollbackId}`);
  const givingUp = handleGivingUp();
  let isConfirmed = yes ?? false;
  setHandler(progress, told.read);
  setHandler(planQuery, () => told.read().result?.plan ?? null);
  setHandler(confirmRollback, () => {
    isConfirmed = true;
  });

  async function planAndRollBack(): Promise<RollbackResult> {
    told.show({ status: 'running' });
    const plan = await told.step('plan', () =>
      step.planRollback({ rollbackId, ...(to === undefined ? {} : { to }), ...(dryRun ? { isRehearsal: true } : {}) }),
    );
    const result: RollbackResult = { plan, rehearsal: null, health: null, serving: plan.from.version };
    told.show({ result });
    if (dryRun) {
      const rehearsal = await told.step('rehearse', () => step.rehearseRollback({ rollbackId, plan }));
      return { ...result, plan: { ...plan, migrations: rehearsal.migrations }, rehearsal };
    }
    if (!isConfirmed) {
      told.show({ status: 'awaiting_confirmation' });
      await told.step('confirm', () => condition(() => isConfirmed, CONFIRMED_WITHIN));
      if (!isConfirmed) throw givenUp();
      told.show({ status: 'running' });
    }
    const health = await rollBack(plan);
    return { ...result, health, serving: plan.to.version };
  }

  async function rollBack({ from, to, migrations }: RollbackPlan) {
    const compensation = createCompensation();
    const undoes = (name: RollbackStep, work: () => Promise<unknown>) => compensation.add(() => told.step(name, work));
    return compensation.orUndo(async () => {
      await told.step('restore_point', () => step.markRollbackPoint({ rollbackId }));

      undoes('undo_traffic_out', () => undo.serve({ release: from, isUndo: true }));
      await told.step('traffic_out', () => step.takeTrafficOut());

      undoes('undo_workers', () => undo.switchWorkers({ release: from, isUndo: true }));
      await told.step('workers', () => step.switchWorkers({ release: to }));

      if (migrations.length > 0) {
        undoes('undo_database', () => undo.migrateUp({ release: from, isUndo: true }));
        await told.step('database', () => step.migrateDown({ from, to }));
      }

      undoes('undo_api', () => undo.takeTrafficOut({ isUndo: true }));
      await told.step('api', () => step.serve({ release: to }));

      const health = await told.step('watch', () => step.watchHealth({ release: to }));
      givingUp.end();
      await step.noteRolledBack({ rollbackId, from, to });
      return health;
    });
  }

  async function rollBackOrNote(): Promise<RollbackResult> {
    try {
      return await givingUp.run(() => exclusively('rollback', planAndRollBack, { noWait: true, emergency: true }));
    } catch (error) {
      const { result } = told.read();
      if (result && !dryRun) {
        await CancellationScope.nonCancellable(() => undo.noteRollbackFailed({ rollbackId, ...result.plan }));
      }
      throw error;
    }
  }
  return told.untilEnd(rollBackOrNote);
}
