// What had been true before a restore: in the old cluster, else in a throw-away one with the end of all that was kept.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readRepository } from '../../ops/pgbackrest/info';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { Database } from '../../prisma/client';
import { isRewound } from '../../workflows/contracts/held-mail';
import type { StepBeat } from '../../workflows/contracts/recovery-progress';
import { createSigner } from '../audit-trail/signatures';
import { holdMail, readHeld } from '../continuity/hold';
import { lookBack } from '../continuity/look-back';
import type { Truth } from '../rewind';
import { chooseSet } from './chosen-set';
import { discardCluster, restoreFiles, withCluster } from './cluster';
import { truthName } from './left-clusters';
import { leadsAlong } from './plan';
import type { RestoreRecord } from './records';
import { type RewindDependencies, withDatabase } from './rewound';
import { readControl, wayTo } from './timelines';

/** @returns the folder's name; null where the restore itself went to the end of all that was kept */
export async function prepareTruth(
  tools: RecoveryTools,
  record: RestoreRecord,
  beat: (beat: StepBeat) => void,
  signal: AbortSignal,
): Promise<string | null> {
  const { previous, previousTimeline } = record;
  if (previous && (await isSameSystem(tools, previous, record.cluster))) return previous;
  if (record.target === 'end' || previousTimeline === null) return null;
  const name = truthName(record.id);
  const repository = await readRepository(tools.pgbackrest, signal);
  const way = await wayTo(tools.pgbackrest, repository.archive.at(-1)?.id ?? '', previousTimeline);
  const { id: setId, postgres } = await chooseSet(tools, 'latest', null, leadsAlong(repository, way));
  const plan = {
    setId,
    to: 'end' as const,
    time: null,
    restorePoint: null,
    timeline: previousTimeline,
    size: postgres.size,
    free: 0,
  };
  await restoreFiles(tools, { plan, name, label: postgres.label }, beat, signal);
  await withCluster(tools, name, async () => {});
  return name;
}

/** One that was made anew after a loss knows nothing of what was before. */
async function isSameSystem({ host }: RecoveryTools, a: string, b: string): Promise<boolean> {
  if (!existsSync(join(host.home, a, 'PG_VERSION'))) return false;
  const [one, other] = await Promise.all([a, b].map((name) => readControl(host, join(host.home, name))));
  return one?.systemId === other?.systemId;
}

/** With the database as it had been, and the one that lives. */
export function withTruth<T>(
  tools: RecoveryTools,
  restoreId: string,
  name: string | null,
  work: (restored: Database, truth: Truth | null) => Promise<T>,
): Promise<T> {
  return withDatabase(tools.settings.DATABASE_URL, (restored) =>
    name === null
      ? work(restored, null)
      : withCluster(tools, name, (url) =>
          withDatabase(url, async (db) =>
            work(restored, { db, isWhole: name !== truthName(restoreId) && !(await hasLostCommits(db)) }),
          ),
        ),
  );
}

/**
 * Holds the mail of the living database if it has lost commits: once it has been left, the lists of what a restore lost are
 * not complete, and an undo has to know.
 */
export async function noteLostCommits(
  { settings, backups }: RecoveryTools,
  { temporal, erasuresOn }: RewindDependencies,
): Promise<void> {
  await withDatabase(settings.DATABASE_URL, async (db) => {
    if (await hasLostCommits(db)) return;
    const { ledger, logger } = erasuresOn(db);
    const verifier = createSigner(settings.SECRET_KEY);
    const { code } = await lookBack({ db, backups, temporal, verifier, ledger });
    if (code !== null && isRewound(code)) await holdMail({ db, logger }, code);
  });
}

async function hasLostCommits(db: Database): Promise<boolean> {
  const held = await readHeld(db);
  return held !== null && isRewound(held.code);
}

export const forgetTruth = (tools: RecoveryTools, restoreId: string) => discardCluster(tools, truthName(restoreId));
