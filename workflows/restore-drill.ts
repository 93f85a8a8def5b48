// A drill: the newest backup and a random second since, restored into a throw-away database by the same steps as in a disaster,
// checked and measured. One that could not run is NOT PROVEN, and says so.
import { ApplicationFailure, CancellationScope, proxyActivities, setHandler } from '@temporalio/workflow';
import type { RestoreActivities } from '../activities/restore';
import type { RestoreDrillActivities } from '../activities/restore-drill';
import { type DrillReport, progress, type RestoreDrillInput, type RestoreDrillStep } from './contracts/restore-drill';
import { exclusively } from './exclusively';
import { newId } from './new-id';
import { RECOVERY_STEP } from './profiles';
import { keepProgress, toProblem } from './recovery-progress';

const { planDrill, reportDrill } = proxyActivities<RestoreDrillActivities>(RECOVERY_STEP);
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
  const measure = async () => {
    told.show({ status: 'running' });
    const begun = Date.now();
    const { plan, pointSeconds, parts } = await told.step('preflight', planDrill);
    Object.assign(report, { plan, pointSeconds, ...(parts ? { parts } : {}) });
    if (!plan) throw ApplicationFailure.nonRetryable(KEPT_BY_PROVIDER, 'kept_by_provider');
    const restoring = { restoreId: drillId, plan };
    await told.step('postgres', () => restoreClusterFiles(restoring));
    await told.step('recover', () => recoverCluster(restoring));
    const { rows, audit } = await told.step('check', () => checkRestored(restoring));
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
      await discardRestored(drillId);
      const written = await told.step('report', () => reportDrill(report));
      told.show({ result: written });
      if (written.problem) throw ApplicationFailure.nonRetryable(written.problem.message, written.problem.code);
      return written;
    });
  });
}
