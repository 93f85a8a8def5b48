// Carries out a drill: chooses the moment, takes the steps of a restore in a home that is thrown away, and writes the report.
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { livingName } from '../ops/local/clusters';
import { withClient } from '../ops/local/database';
import { listArchive } from '../ops/pgbackrest/archive';
import { readRepository } from '../ops/pgbackrest/info';
import type { RecoveryTools } from '../ops/recovery/tools';
import type { RestorePlan } from '../workflows/contracts/restore';
import type { DrillParts, DrillReport } from '../workflows/contracts/restore-drill';
import { beating } from './beating';
import { finishReport } from './drill-reports';
import { clusterName, createRestoreActivities, type Restoring } from './restore';
import { chooseSet } from './restore/chosen-set';
import { withCluster } from './restore/cluster';
import { keepLogTail } from './restore/log-tail';
import { planRestore, SPARE_BYTES } from './restore/plan';
import { refusal } from './restore/refusal';
import { type RewindDependencies, rewind, withDatabase } from './restore/rewound';
import { switchCluster, untilLives } from './restore/switch';
import { openThrowAway, removeLeftThrowAways, removeThrowAway, throwAwayHome } from './restore/throw-away';
import { markSent } from './rewind';

export interface DrillPlan {
  /** Null if a provider keeps the database. */
  plan: RestorePlan | null;
  pointSeconds: number;
  parts?: DrillParts;
}

export type RestoreDrillActivities = ReturnType<typeof createRestoreDrillActivities>;

/** @param dependenciesOf what a rewind needs, of tools that write to a throw-away home alone */
export function createRestoreDrillActivities(
  tools: RecoveryTools,
  dependenciesOf: (throwAway: RecoveryTools) => RewindDependencies,
) {
  const { settings, pgbackrest, host } = tools;
  const homeOf = (drillId: string) => throwAwayHome(host.home, drillId);
  const open = (drillId: string) => {
    const throwAway = openThrowAway(tools, drillId);
    return { throwAway, dependencies: dependenciesOf(throwAway) };
  };
  const stepsOf = (drillId: string) => {
    const { throwAway, dependencies } = open(drillId);
    return createRestoreActivities(throwAway, dependencies);
  };
  return {
    planDrill: (): Promise<DrillPlan> =>
      beating(async () => {
        const { cancellationSignal: signal } = Context.current();
        const pointSeconds = await measurePoint(signal);
        const { postgres, files } = await chooseSet(tools, 'latest', null);
        const from = Date.parse(postgres.stoppedAt);
        await delay(Math.max(from - Date.now(), 0), undefined, { signal });
        // A commit behind the target, so that recovery can stop at it.
        const until = await commitNothing(settings.DATABASE_URL);
        if (!(await keepLogTail(settings.DATABASE_URL, signal))) {
          throw refusal(
            'after_last_commit',
            'The log of the last minute did not come to the archive: archiving is in trouble.',
          );
        }
        const seconds = Math.max(Math.floor((until - from) / 1000), 1);
        const time = new Date(from + randomInt(seconds) * 1000).toISOString();
        const plan = await planRestore(tools, { from: 'latest', time }, signal);
        requireSpace(plan, files?.bytes ?? 0);
        return { plan, pointSeconds };
      }),

    /** The steps of a restore, each as it is there. */
    drillClusterFiles: async (drilling: Restoring) => {
      await removeLeftThrowAways(host.home, homeOf(drilling.restoreId));
      return stepsOf(drilling.restoreId).restoreClusterFiles(drilling);
    },
    drillRecovery: (drilling: Restoring) => stepsOf(drilling.restoreId).recoverCluster(drilling),
    drillCheck: (drilling: Restoring) => stepsOf(drilling.restoreId).checkRestored(drilling),
    drillRewind: (drilling: Restoring) => stepsOf(drilling.restoreId).rewindRestored(drilling),
    drillFiles: (drilling: Restoring) => stepsOf(drilling.restoreId).putFilesBack(drilling),

    /** As a restore switches, without what it does to the living database and its records. @returns the generation that answers */
    drillSwitch: ({ restoreId }: Restoring): Promise<number> =>
      beating(async (beat) => {
        const { throwAway, dependencies } = open(restoreId);
        const cluster = clusterName(restoreId);
        const { generation } = await withCluster(throwAway, cluster, (url) =>
          rewind(throwAway, dependencies, { restoreId, url }),
        );
        await switchCluster(throwAway, { from: null, to: cluster }, beat);
        // Nobody else starts what the pointer of this home names, and it archives nothing.
        await withCluster(throwAway, livingName(throwAway.host.home), async (url) => {
          const living = { ...throwAway, settings: { ...throwAway.settings, DATABASE_URL: url } };
          await untilLives(living, { generation, previous: null, cluster }, () => beat());
          const { backups } = throwAway;
          await withDatabase(url, (db) => markSent({ db, backups, temporal: dependencies.temporal }));
        });
        return generation;
      }),

    discardDrill: (drillId: string): Promise<void> => beating(() => removeThrowAway(homeOf(drillId))),

    reportDrill: (report: Omit<DrillReport, 'finishedAt'>): Promise<DrillReport> =>
      beating(() => finishReport(tools, report)),
  };

  /** Seconds since the newest change that is kept; 0 where nothing has been changed since. */
  async function measurePoint(signal: AbortSignal): Promise<number> {
    const { archive } = await readRepository(pgbackrest, signal);
    const { segments } = await listArchive(pgbackrest, archive.at(-1)?.id ?? '', signal);
    const newest = segments.at(-1);
    if (!newest) throw refusal('no_backup', 'The archive holds no segment of the log.');
    return Math.max(0, (Date.now() - newest.at.getTime()) / 1000);
  }
}

/** The files are brought too, beside what the database takes. */
function requireSpace({ size, free }: RestorePlan, fileBytes: number): void {
  if (free >= size + fileBytes + SPARE_BYTES) return;
  const needed = Math.ceil((size + fileBytes + SPARE_BYTES) / 1_000_000);
  throw refusal(
    'too_little_space',
    `A drill needs ${needed} MB beside the living database, and ${Math.floor(free / 1_000_000)} are free: make room.`,
  );
}

/** @returns the time after its commit, in milliseconds since 1970 */
function commitNothing(connectionString: string): Promise<number> {
  return withClient(connectionString, async (client) => {
    await client.query('SELECT pg_current_xact_id()');
    const { rows } = await client.query<{ at: Date }>('SELECT clock_timestamp() AS at');
    return rows[0]?.at.getTime() ?? Date.now();
  });
}
