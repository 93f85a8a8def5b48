// What a restore does, step by step: each may be repeated from its begin.
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { livingName } from '../../ops/local/clusters';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { StepBeat, StepWait } from '../../workflows/contracts/recovery-progress';
import type { RestorePlan, RestoreTarget } from '../../workflows/contracts/restore';
import { readManifest } from '../backup/manifest';
import { describeTrouble } from '../backup/troubles';
import { beating } from '../beating';
import { replayLedger } from '../erasure-ledger/replay';
import { markSent } from '../rewind';
import { type CheckReport, checkCluster } from './checks';
import { discardCluster, restoreFiles, withCluster } from './cluster';
import { putFilesBack } from './files';
import { lastCommit } from './last-commit';
import { keepLogTail } from './log-tail';
import { planRestore } from './plan';
import { type RestoreRecord, readRecord, writeRecord } from './records';
import { copyRedis } from './redis-copy';
import { refusal, refuseForeign } from './refusal';
import { abandonAnchors, type RewindDependencies, type Rewound, rewind, withDatabase } from './rewound';
import { holdLanes, switchCluster, untilLives } from './switch';
import { readControl } from './timelines';
import { noteLostCommits } from './truth';

export interface Restoring {
  restoreId: string;
  plan: RestorePlan;
}

export type RestoreActivities = ReturnType<typeof createRestoreActivities>;

export const clusterName = (restoreId: string) => `data-${restoreId}`;
const signal = () => Context.current().cancellationSignal;

export function createRestoreActivities(tools: RecoveryTools, dependencies: RewindDependencies) {
  const manifestOf = async (setId: string) => {
    const manifest = await readManifest(tools.backups, tools.signer, setId);
    if (!manifest?.postgres) throw new Error(`The set ${setId} is gone`);
    return { ...manifest, postgres: manifest.postgres };
  };

  return {
    preflightRestore: (target: RestoreTarget): Promise<RestorePlan> =>
      beating(async () => {
        await keepLogTail(tools.settings.DATABASE_URL, signal());
        return planRestore(tools, target, signal()).catch(refuseCredentials);
      }),

    restoreClusterFiles: ({ restoreId, plan }: Restoring): Promise<void> =>
      beating<void, StepBeat>(async (beat) => {
        const { postgres } = await manifestOf(plan.setId);
        await restoreFiles(tools, { plan, name: clusterName(restoreId), label: postgres.label }, beat, signal());
      }),

    /** @returns the time of the last transaction that was recovered */
    recoverCluster: ({ restoreId }: Restoring): Promise<string | null> =>
      beating(() => withCluster(tools, clusterName(restoreId), lastCommit)),

    checkRestored: ({ restoreId, plan }: Restoring): Promise<CheckReport> =>
      beating(async (beat) => {
        const manifest = await manifestOf(plan.setId);
        return withCluster(tools, clusterName(restoreId), (url, superuserUrl) =>
          checkCluster(tools, { url, superuserUrl }, manifest, () => beat()),
        );
      }),

    rewindRestored: ({ restoreId }: Restoring): Promise<Rewound> =>
      beating(() =>
        withCluster(tools, clusterName(restoreId), (url) => rewind(tools, dependencies, { restoreId, url })),
      ),

    /** The erasure ledger is carried out once more: whoever it names may have come back with a file. */
    putFilesBack: ({ restoreId, plan }: Restoring): Promise<number> =>
      beating<number, StepBeat>(async (beat) => {
        const { files } = await manifestOf(plan.setId);
        if (!files) return 0;
        return withCluster(tools, clusterName(restoreId), (url) =>
          withDatabase(url, async (db) => {
            const restored = await putFilesBack(tools, files, db, beat);
            await replayLedger(dependencies.erasuresOn(db), { again: true });
            return restored;
          }),
        );
      }),

    switchToRestored: ({ restoreId, plan }: Restoring): Promise<RestoreRecord> =>
      beating<RestoreRecord, StepWait>((beat) =>
        goLive(tools, dependencies, {
          id: restoreId,
          setId: plan.setId,
          target: plan.time ?? plan.restorePoint ?? plan.to,
          timeline: plan.timeline,
          cluster: clusterName(restoreId),
          beat,
        }),
      ),

    restoreRedis: ({ plan }: Restoring): Promise<number> =>
      beating<number, StepBeat>(async (beat) => {
        const { redis } = await manifestOf(plan.setId);
        if (!redis) return 0;
        const keys = await copyRedis(tools, redis, (done) => beat({ done, total: redis.keys, unit: 'rows' }));
        await withDatabase(tools.settings.DATABASE_URL, (db) =>
          replayLedger(dependencies.erasuresOn(db), { again: true }),
        );
        return keys;
      }),

    /** What was prepared and is not wanted. */
    discardRestored: (restoreId: string): Promise<void> =>
      beating(async () => {
        const name = clusterName(restoreId);
        if (livingName(tools.host.home) !== name) await discardCluster(tools, name);
      }),
  };
}

/** No repeat would heal that. */
function refuseCredentials(error: unknown): never {
  const { code, message } = describeTrouble(error);
  throw code === 'credentials_refused' ? refusal(code, message) : error;
}

interface GoingLive {
  id: string;
  setId: string;
  target: string;
  /** Which was followed, where no cluster was there before. */
  timeline: number | null;
  cluster: string;
  /** Of an undo: where the trail of the restored database forked from that of the one to which it goes back. */
  forkedAt?: bigint | null;
  beat(news?: StepWait): void;
}

/** Holds what sends, settles what was sent, and switches. */
export async function goLive(
  tools: RecoveryTools,
  dependencies: RewindDependencies,
  { id, setId, target, timeline, cluster, forkedAt = null, beat }: GoingLive,
): Promise<RestoreRecord> {
  const { host, backups } = tools;
  let record = await readRecord(backups, id).catch(refuseForeign);
  const isSwitched = livingName(host.home) === cluster;
  if (!isSwitched || !record) {
    const previous = isSwitched ? null : await livingOf(tools);
    if (await holdLanes(tools)) await noteLostCommits(tools, dependencies);
    const rewound = await withCluster(tools, cluster, (url) =>
      rewind(tools, dependencies, { restoreId: id, url, forkedAt }),
    );
    beat();
    record = {
      id,
      at: new Date().toISOString(),
      state: 'prepared',
      setId,
      target,
      generation: rewound.generation,
      timeline: (await readControl(host, join(host.home, cluster))).timeline,
      previousTimeline: previous?.timeline ?? timeline,
      cluster,
      previous: previous?.name ?? null,
      head: rewound.head,
    };
    await writeRecord(backups, record);
  }
  await switchCluster(tools, { from: record.previous, to: cluster }, beat);
  await untilLives(tools, record, beat);
  // The old one could claim and seal until it ended.
  await abandonAnchors(tools, record.head);
  await withDatabase(tools.settings.DATABASE_URL, (db) => markSent({ db, backups, temporal: dependencies.temporal }));
  const switched: RestoreRecord = { ...record, state: 'switched' };
  await writeRecord(backups, switched);
  return switched;
}

/** Null on a machine that has none yet. */
async function livingOf({ host }: RecoveryTools): Promise<{ name: string; timeline: number } | null> {
  const name = livingName(host.home);
  const control = await readControl(host, join(host.home, name)).catch(() => null);
  return control && { name, timeline: control.timeline };
}
