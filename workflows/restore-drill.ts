// A drill: the newest backup and a random second since, restored into a throw-away home by the same steps as in a disaster, up to
// a switch there, checked and measured. One that could not run is NOT PROVEN, and says so.
import { ApplicationFailure, CancellationScope, patched, proxyActivities, setHandler } from '@temporalio/workflow';
import type { RestoreActivities, Restoring } from '../activities/restore';
import type { RestoreDrillActivities } from '../activities/restore-drill';
import type { StepTime } from './contracts/recovery-progress';
import { type DrillReport, progress, type RestoreDrillInput, type RestoreDrillStep } from './contracts/restore-drill';
import { exclusively } from './exclusively';
import { newId } from './new-id';
import { RECOVERY_STEP } from './profiles';
import { keepProgress, toProblem } from './recovery-progress';

const {
  planDrill,
  drillClusterFiles,
  drillRecovery,
  drillCheck,
  drillRewind,
  drillFiles,
  drillSwitch,
  discardDrill,
  reportDrill,
} = proxyActivities<RestoreDrillActivities>(RECOVERY_STEP);
const { restoreClusterFiles, recoverCluster, checkRestored, discardRestored } =
  proxyActivities<RestoreActivities>(RECOVERY_STEP);

const KEPT_BY_PROVIDER =
  'Files and Redis of the newest set were read back whole. The provider keeps the database: try its restore yourself (docs/managed-postgres.md).';

export async function restoreDrill({ drillId = newId() }: RestoreDrillInput = {}): Promise<DrillReport> {
  const told = keepProgress<RestoreDrillStep, DrillReport>(`restore drill ${drillId}`);
  setHandler(progress, told.read);
  const report: Omit<DrillReport, 'finishedAt'> = {
    id: drillId,
    outcome: 'NOT PROVEN',
    startedAt: new Date().toISOString(),
    plan: null,
    recoverySeconds: null,
    pointSeconds: null,
    rows: {},
    auditEvents: 0,
    problem: null,
  };
  const isWhole = patched('drill-takes-all-steps');
  const takeAllSteps = async (drilling: Restoring) => {
    await told.step('postgres', () => drillClusterFiles(drilling));
    await told.step('recover', () => drillRecovery(drilling));
    const report = await told.step('check', () => drillCheck(drilling));
    await told.step('rewind', () => drillRewind(drilling));
    await told.step('files', () => drillFiles(drilling));
    await told.step('switch', () => drillSwitch(drilling));
    return report;
  };
  /** As drills did that began before. */
  const restoreAndCheck = async (drilling: Restoring) => {
    await told.step('postgres', () => restoreClusterFiles(drilling));
    await told.step('recover', () => recoverCluster(drilling));
    return told.step('check', () => checkRestored(drilling));
  };
  const measure = async () => {
    told.show({ status: 'running' });
    const begun = Date.now();
    const { plan, pointSeconds, parts } = await told.step('preflight', planDrill);
    Object.assign(report, { plan, pointSeconds, ...(parts ? { parts } : {}) });
    if (!plan) throw ApplicationFailure.nonRetryable(KEPT_BY_PROVIDER, 'kept_by_provider');
    const drilling = { restoreId: drillId, plan };
    const { rows, audit } = isWhole ? await takeAllSteps(drilling) : await restoreAndCheck(drilling);
    const recoverySeconds = (Date.now() - begun) / 1000;
    Object.assign(report, { outcome: 'PROVEN', recoverySeconds, rows, auditEvents: audit.events });
  };

  return told.untilEnd(async () => {
    try {
      await exclusively('restoreDrill', measure);
    } catch (error) {
      report.problem = toProblem(error);
    }
    return CancellationScope.nonCancellable(async () => {
      await (isWhole ? discardDrill : discardRestored)(drillId);
      report.stepSeconds = secondsOf(told.read().steps);
      const written = await told.step('report', () => reportDrill(report));
      told.show({ result: written });
      if (written.problem) throw ApplicationFailure.nonRetryable(written.problem.message, written.problem.code);
      return written;
    });
  });
}

const secondsOf = (steps: readonly StepTime<RestoreDrillStep>[]): NonNullable<DrillReport['stepSeconds']> =>
  Object.fromEntries(
    steps.flatMap(({ step, startedAt, finishedAt }) =>
      finishedAt ? [[step, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000]] : [],
    ),
  );
