// One deployment: the new release is started beside the one that serves, tried, made current, watched; then the one before
// is drained. If a step fails, every step before it is undone, and the release before it goes on serving.
import { CancellationScope, proxyActivities, setHandler } from '@temporalio/workflow';
import type { ReleaseActivities } from '../activities/releases';
import { createCompensation } from './compensation';
import {
  type DeploymentInput,
  type DeploymentPlan,
  type DeploymentResult,
  type DeploymentStep,
  plan as planQuery,
  progress,
} from './contracts/deployment';
import { exclusively } from './exclusively';
import { handleGivingUp } from './giving-up';
import { RELEASE_DRAIN, RELEASE_STEP, RELEASE_UNDO } from './profiles';
import { keepProgress } from './recovery-progress';

const step = proxyActivities<ReleaseActivities>(RELEASE_STEP);
const undo = proxyActivities<ReleaseActivities>(RELEASE_UNDO);
const { drainWorkers } = proxyActivities<ReleaseActivities>(RELEASE_DRAIN);

export async function deployment({ deploymentId, to }: DeploymentInput): Promise<DeploymentResult> {
  const told = keepProgress<DeploymentStep, DeploymentResult>(`deployment ${deploymentId} of ${to}`);
  const givingUp = handleGivingUp();
  setHandler(progress, told.read);
  setHandler(planQuery, () => told.read().result?.plan ?? null);

  async function planAndDeploy(): Promise<DeploymentResult> {
    told.show({ status: 'running' });
    const plan = await told.step('plan', () => step.planDeployment({ to }));
    const result: DeploymentResult = { plan, health: null, serving: plan.from.version, drained: false };
    told.show({ result });
    const health = await deploy(plan);
    return { ...result, health, serving: plan.to.version };
  }

  async function deploy({ from, to, migrations }: DeploymentPlan) {
    const compensation = createCompensation();
    const undoes = (name: DeploymentStep, work: () => Promise<unknown>) =>
      compensation.add(() => told.step(name, work));
    return compensation.orUndo(async () => {
      if (migrations.length > 0) {
        undoes('undo_migrate', () => undo.migrateBack({ from: to, to: from }));
        await told.step('migrate', () => step.migrateUp({ release: to }));
      }

      undoes('undo_workers', () => undo.stopWorkers({ release: to, isUndo: true }));
      await told.step('workers', () => step.startWorkers({ release: to }));

      undoes('undo_trial', () => undo.endTrial({ isUndo: true }));
      await told.step('trial', () => step.tryApi({ release: to }));

      undoes('undo_current', () => undo.makeCurrent({ release: from }));
      await told.step('current', () => step.makeCurrent({ release: to }));

      undoes('undo_api', () => undo.serve({ release: from, isUndo: true }));
      await told.step('api', () => step.serve({ release: to }));

      const health = await told.step('watch', () => step.watchHealth({ release: to }));
      givingUp.end();
      await step.noteDeployed({ deploymentId, from, to });
      return health;
    });
  }

  /** Runs that are pinned to the earlier release end there. Others may have the lock meanwhile. */
  async function deployAndDrain(): Promise<DeploymentResult> {
    const deployed = await exclusively('deployment', planAndDeploy, { noWait: true });
    told.show({ result: deployed });
    await told.step('drain', () => drainWorkers({ release: deployed.plan.from }));
    return { ...deployed, drained: true };
  }

  async function deployOrNote(): Promise<DeploymentResult> {
    try {
      return await givingUp.run(deployAndDrain);
    } catch (error) {
      const { result } = told.read();
      if (result && !givingUp.hasEnded()) {
        await CancellationScope.nonCancellable(() => undo.noteDeploymentFailed({ deploymentId, ...result.plan }));
      }
      throw error;
    }
  }
  return told.untilEnd(deployOrNote);
}
