// Carries out the steps of a deployment and of a rollback. Each step may be repeated from its beginning.
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { DeploymentPlan } from '../../workflows/contracts/deployment';
import type { HealthReport, ReleaseDetails, ReleaseName } from '../../workflows/contracts/releases';
import type { Rehearsal, RollbackPlan } from '../../workflows/contracts/rollback';
import { beating } from '../beating';
import { recordEvent } from '../commands/audit';
import { SYSTEM } from '../commands/context';
import { createRestorePoint, restorePointName } from '../restore-points';
import type { ReleaseDependencies } from './dependencies';
import { watchHealth } from './health';
import { migrateDown, migrateUp } from './migrations';
import { planDeployment, planRollback } from './plan';
import * as processes from './processes';
import { noteCurrent, noteFailed, noteRetired } from './registry';
import { rehearse } from './rehearsal';
import { listPinned, makeCurrent } from './versions';

export type ReleaseActivities = ReturnType<typeof createReleaseActivities>;

/** An undo comes to its end, even if what it brings back is broken. */
interface Undo {
  isUndo?: boolean;
}
interface Of extends Undo {
  release: ReleaseName;
}
interface Between {
  from: ReleaseDetails;
  to: ReleaseDetails;
}

const LOOKS_EACH_MS = 1_000;

export function createReleaseActivities(dependencies: ReleaseDependencies) {
  const { db, driver, temporal, deploymentName, backups, tools, watchSeconds } = dependencies;
  const signal = () => Context.current().cancellationSignal;
  const waiting = (beat: () => void, isUndo = false) => ({ beat, orGoOn: isUndo });
  const record = (type: string, subjectId: string, { from, to }: Between) =>
    recordEvent(
      db,
      { actor: SYSTEM, requestId: subjectId },
      { type, subject: 'release', subjectId, data: { from: from.version, to: to.version } },
    );

  return {
    planRollback: (asked: { rollbackId: string; to?: string; isRehearsal?: boolean }): Promise<RollbackPlan> =>
      beating(async () => {
        if (!asked.isRehearsal) await endDrains();
        return planRollback(dependencies, { ...asked, signal: signal() });
      }),

    rehearseRollback: (asked: { rollbackId: string; plan: RollbackPlan }): Promise<Rehearsal> =>
      beating(async () => (tools ? rehearse(tools, driver, { ...asked, signal: signal() }) : NOT_REHEARSED)),

    markRollbackPoint: ({ rollbackId }: { rollbackId: string }): Promise<void> =>
      beating(() =>
        createRestorePoint(
          { db, backups },
          { name: restorePointName(rollbackId), process: 'rollback', id: rollbackId },
        ),
      ),

    planDeployment: (asked: { to: string }): Promise<DeploymentPlan> =>
      beating(() => planDeployment(dependencies, { ...asked, signal: signal() })),

    takeTrafficOut: ({ isUndo }: Undo = {}): Promise<void> =>
      beating((beat) => processes.takeTrafficOut(driver, waiting(beat, isUndo))),

    startWorkers: ({ release }: Of): Promise<void> =>
      beating((beat) => processes.startWorkers(driver, release, waiting(beat))),

    makeCurrent: ({ release }: Of): Promise<void> => beating(() => makeCurrent(temporal, deploymentName, release)),

    stopWorkers: ({ release, isUndo }: Of): Promise<void> =>
      beating((beat) => processes.stopWorkers(driver, release, waiting(beat, isUndo))),

    /** Starts the workers of one release, gives them every run, and stops all others. */
    switchWorkers: ({ release, isUndo }: Of): Promise<void> =>
      beating(async (beat) => {
        await processes.startWorkers(driver, release, waiting(beat, isUndo));
        await makeCurrent(temporal, deploymentName, release);
        await processes.keepOnlyWorkers(driver, release, waiting(beat, isUndo));
      }),

    migrateUp: ({ release, isUndo }: Of): Promise<void> =>
      beating(() => migrateUp(driver, release, { signal: signal(), isUndo })),

    migrateDown: ({ from, to }: Between): Promise<void> => beating(() => migrateDown(driver, { from, to }, signal())),

    /** As far as it can: the earlier release runs on the later schema too. */
    migrateBack: ({ from, to }: Between): Promise<void> =>
      beating(async () => {
        await migrateDown(driver, { from, to }, signal()).catch((err) => {
          signal().throwIfAborted();
          dependencies.logger.warn({ err, from: from.version }, 'The migrations of a failed deployment stay');
        });
      }),

    tryApi: ({ release }: Of): Promise<void> =>
      beating(async (beat) => {
        await processes.tryApi(driver, release, waiting(beat));
        await processes.endTrial(driver, waiting(beat));
      }),

    endTrial: ({ isUndo }: Undo = {}): Promise<void> =>
      beating((beat) => processes.endTrial(driver, waiting(beat, isUndo))),

    serve: ({ release, isUndo }: Of): Promise<void> =>
      beating((beat) => processes.serve(driver, release, waiting(beat, isUndo))),

    watchHealth: ({ release }: Of): Promise<HealthReport> =>
      beating((beat) => watchHealth(driver, release.version, { seconds: watchSeconds, beat })),

    drainWorkers: ({ release }: Of): Promise<void> =>
      beating(async (beat) => {
        while ((await listPinned(temporal, deploymentName, release)).count > 0) {
          beat();
          await delay(LOOKS_EACH_MS, undefined, { signal: signal() });
        }
        await processes.stopWorkers(driver, release, waiting(beat));
        await noteRetired(db, release.version);
      }),

    noteDeployed: ({ deploymentId, ...between }: Between & { deploymentId: string }): Promise<void> =>
      beating(async () => {
        await noteCurrent(db, between.to.version, 'draining');
        await record('release.deployed', deploymentId, between);
      }),

    noteDeploymentFailed: ({ deploymentId, ...between }: Between & { deploymentId: string }): Promise<void> =>
      beating(async () => {
        await noteFailed(db, between.to.version);
        await record('release.deployment_failed', deploymentId, between);
      }),

    noteRolledBack: ({ rollbackId, ...between }: Between & { rollbackId: string }): Promise<void> =>
      beating(async () => {
        await noteCurrent(db, between.to.version, 'rolled_back');
        await record('release.rolled_back', rollbackId, between);
      }),

    noteRollbackFailed: ({ rollbackId, ...between }: Between & { rollbackId: string }): Promise<void> =>
      beating(() => record('release.rollback_failed', rollbackId, between)),
  };

  /** A deployment that still drains would stop the workers that this rollback starts. */
  async function endDrains(): Promise<void> {
    const query = `WorkflowType = 'deployment' AND ExecutionStatus = 'Running'`;
    for await (const { workflowId } of temporal.workflow.list({ query })) {
      const handle = temporal.workflow.getHandle(workflowId);
      await handle.cancel();
      await handle.result().catch(() => {});
    }
  }
}

const NOT_REHEARSED: Rehearsal = {
  verdict: 'not_rehearsed',
  setId: null,
  migrations: [],
  seconds: 0,
  problem: {
    code: 'no_tools',
    message:
      "This host has no tools to restore a copy of the database: run it on the database's host, with pgBackRest and BACKUP_PASSPHRASE.",
  },
};
