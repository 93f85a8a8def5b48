// Plans a rollback or a deployment: what changes, what does not, and whether it can work. It refuses before anything is touched.

import { toVersion } from '../../ops/releases/release';
import type { DeploymentPlan } from '../../workflows/contracts/deployment';
import type { ReleaseDetails } from '../../workflows/contracts/releases';
import type { RollbackPlan } from '../../workflows/contracts/rollback';
import { restorePointName } from '../restore-points';
import type { ReleaseDependencies } from './dependencies';
import { countLosses } from './losses';
import { refuse } from './refusals';
import { readPrevious, toDetails } from './registry';
import { replayOpen } from './replays';
import { detailsOf, findServing, findTarget, register } from './targets';
import { listPinned } from './versions';

/** Measured with an empty database and little to replay. */
const USUAL_SECONDS = 25;
const SECONDS_A_MIGRATION = 2;

export interface AskedRollback {
  rollbackId: string;
  to?: string;
  /** Leaves the losses to the rehearsal: even what is taken back would lock tables, and write. */
  isRehearsal?: boolean;
  signal: AbortSignal;
}

export async function planRollback(
  dependencies: ReleaseDependencies,
  { rollbackId, to: given, isRehearsal, signal }: AskedRollback,
): Promise<RollbackPlan> {
  const { db } = dependencies;
  const from = await findServing(dependencies);
  const version = given === undefined ? (await readPrevious(db))?.version : toVersion(given);
  if (version === undefined) {
    throw refuse('no_previous_release', `No release served before ${from.version}: there is nothing to go back to.`);
  }
  const to = await findTarget(dependencies, version, from);
  const added = to.migrations.filter((name) => !from.migrations.includes(name));
  if (added.length > 0) {
    throw refuse(
      'not_earlier',
      `${version} has ${added.length} migration(s) that ${from.version} lacks, so it is newer: ops/deploy.sh ${version}`,
    );
  }
  const details = await detailsOf(dependencies, from);
  await refusePinned(dependencies, details);
  const [workflows, migrations, sent] = await Promise.all([
    replayOpen(dependencies, to, signal),
    isRehearsal ? [] : countLosses(dependencies, { from, to }, signal),
    countSent(dependencies, from.version),
  ]);
  return {
    from: details,
    to: toDetails(to),
    migrations,
    workflows,
    sent,
    restorePoint: restorePointName(rollbackId),
    expectedSeconds: USUAL_SECONDS + migrations.length * SECONDS_A_MIGRATION,
  };
}

export async function planDeployment(
  dependencies: ReleaseDependencies,
  { to: version, signal }: { to: string; signal: AbortSignal },
): Promise<DeploymentPlan> {
  const from = await findServing(dependencies);
  const to = await register(dependencies, toVersion(version), from);
  const removed = from.migrations.filter((name) => !to.migrations.includes(name));
  if (removed.length > 0) {
    throw refuse(
      'not_earlier',
      `${version} lacks ${removed.length} migration(s) of ${from.version}, so it is older: ops/rollback.sh --version ${version}`,
    );
  }
  return {
    from: await detailsOf(dependencies, from),
    to: toDetails(to),
    migrations: to.migrations.filter((name) => !from.migrations.includes(name)),
    workflows: await replayOpen(dependencies, to, signal),
  };
}

async function refusePinned({ temporal, deploymentName }: ReleaseDependencies, from: ReleaseDetails): Promise<void> {
  const { count, ids } = await listPinned(temporal, deploymentName, from);
  if (count === 0) return;
  throw refuse(
    'runs_pinned',
    `${count} run(s) end on ${from.version} alone: ${ids.join(', ')}. Wait until they have ended, or cancel them in the Temporal Web UI.`,
  );
}

/** Null if nobody knows since when. */
async function countSent({ db }: ReleaseDependencies, version: string): Promise<number | null> {
  const current = await db.release.findUnique({ where: { version } });
  if (!current?.currentSince) return null;
  return db.draft.count({ where: { sentAt: { gte: current.currentSince } } });
}
