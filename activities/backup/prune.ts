// What is too old goes: first the manifests, so that no set is there in part, then what pgBackRest keeps for them, then every
// object that no set names any more, in all its versions.
import { type RepositoryInfo, readRepository } from '../../ops/pgbackrest/info';
import { REPOSITORY, STANZA } from '../../ops/pgbackrest/repository';
import type { BackupTools, RecoveryTools, StoreTools } from '../../ops/recovery/tools';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Attempt } from './attempt';
import { FILES, readIndex } from './file-index';
import { type Manifest, manifestKey, SETS } from './manifest';
import { chooseKept, timeOfSet, withBases } from './retention';
import { runAlone } from './run-alone';
import type { Catalogue } from './sets';
import { sideBySide } from './side-by-side';

/** What was cut off and what is under way are told apart by their age. */
const CUT_OFF_AFTER_MS = 24 * 3_600_000;
const AT_A_TIME = 8;

type Repository = Pick<RecoveryTools, 'backups' | 'pgbackrest'>;

export interface PruneRequest {
  /** What began earlier may go. */
  before: Date;
  now: Date;
}

/** @returns the sets that went by age */
export async function prune(
  tools: BackupTools,
  { sets, shadows, unfinished }: Catalogue,
  { before, now }: PruneRequest,
  attempt: Attempt,
): Promise<{ pruned: string[]; kept: Manifest[] }> {
  const { backups, pgbackrest } = tools;
  const cutOff = new Date(now.getTime() - CUT_OFF_AFTER_MS);
  const hasRepository = pgbackrest && sets.some(({ postgres }) => postgres);
  const info = hasRepository ? await readRepository(pgbackrest, attempt.signal) : null;
  const kept = chooseKept(sets, info?.backup ?? [], before);
  const keptShadows = shadows.filter(({ id }) => timeOfSet(id) >= before);
  const pruned = sets.filter((set) => !kept.includes(set)).map(({ id }) => id);
  for (const id of pruned) await backups.delete(manifestKey(id));

  const labels = [
    ...kept.flatMap(({ postgres }) => postgres?.label ?? []),
    ...keptShadows.flatMap((one) => one.labels),
  ];
  if (info && pgbackrest) await pruneRepository({ backups, pgbackrest }, info, labels, cutOff, attempt.signal);
  const stays = new Set([
    ...kept.map(({ id }) => id),
    ...keptShadows.map(({ id }) => id),
    ...unfinished.filter((id) => timeOfSet(id) >= cutOff),
  ]);
  await sweep(backups, SETS, (key) => stays.has(key.split('/')[1] ?? ''), attempt);
  // What these name is not known.
  if (keptShadows.length === 0) await pruneFiles(tools, kept, attempt);
  await backups.tidy(cutOff);
  return { pruned, kept };
}

async function pruneRepository(
  tools: Repository,
  info: RepositoryInfo,
  labels: string[],
  cutOff: Date,
  signal: AbortSignal,
): Promise<void> {
  const { pgbackrest } = tools;
  const young = info.backup.filter(({ timestamp }) => timestamp.start * 1000 >= cutOff.getTime());
  const needed = withBases([...labels, ...young.map(({ label }) => label)], info.backup);
  const isLeft = (type: string) => info.backup.some((backup) => backup.type === type && needed.has(backup.label));
  if (!isLeft('full')) return;
  const gone = new Set<string>();
  for (const { label, prior } of info.backup) {
    if (needed.has(label)) continue;
    // What is made of it goes with it.
    if (!prior || !gone.has(prior)) await runAlone(pgbackrest, 'expire', [`--set=${label}`], signal);
    gone.add(label);
  }
  const full = info.backup.filter(({ type, label }) => type === 'full' && !gone.has(label)).length;
  const archive = [`--repo1-retention-archive=${full}`, '--repo1-retention-archive-type=full'];
  await runAlone(pgbackrest, 'expire', [...archive, '--repo1-retention-history=0'], signal);
  await sweepRepository(tools, needed, cutOff, signal);
}

/** In a bucket with versions what was expired is only hidden. */
async function sweepRepository(
  { backups, pgbackrest }: Repository,
  needed: Set<string>,
  cutOff: Date,
  signal: AbortSignal,
): Promise<void> {
  const info = await readRepository(pgbackrest, signal);
  const attempt = { signal, show: () => {} };
  const known = new Set([...needed, ...info.backup.map(({ label }) => label)]);
  const isKnownBackup = (key: string) => {
    const label = /^(\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?)$/.exec(key.split('/')[3] ?? '')?.[1];
    return !label || known.has(label) || timeOfLabel(label) >= cutOff;
  };
  await sweep(backups, `${REPOSITORY}/backup/${STANZA}/`, isKnownBackup, attempt);
  for (const { id, database } of info.archive) {
    const starts = info.backup
      .filter((backup) => backup.database.id === database.id)
      .map(({ archive }) => archive.start);
    const oldest = starts.sort()[0];
    const isNeeded = (key: string) => {
      const segment = /\/([0-9A-F]{24})[-.][^/]*$/.exec(key)?.[1];
      return !segment || !oldest || segment >= oldest;
    };
    await sweep(backups, `${REPOSITORY}/archive/${STANZA}/${id}/`, isNeeded, attempt);
  }
}

const timeOfLabel = (label: string) =>
  timeOfSet(
    `${label
      .slice(-16)
      .replace(/^[F_]+/, '')
      .slice(0, 15)
      .replace('-', 'T')}Z`,
  );

async function pruneFiles(tools: StoreTools, kept: Manifest[], attempt: Attempt): Promise<void> {
  const newest = kept.findLast(({ files }) => files)?.files;
  if (!newest) return;
  const { files, gone } = await readIndex(tools, newest);
  const oldest = kept.find((set) => set.files)?.id ?? '';
  const named = new Set([...files, ...gone.filter(({ last }) => last >= oldest)].map(({ key }) => key));
  await sweep(tools.backups, FILES, (key) => named.has(key), attempt);
}

/** All versions of all that is not to stay. */
async function sweep(
  backups: ObjectStore,
  prefix: string,
  stays: (key: string) => boolean,
  { signal }: Attempt,
): Promise<void> {
  const gone = new Set<string>();
  for await (const { key } of backups.versions(prefix)) if (!stays(key)) gone.add(key);
  await sideBySide(gone, AT_A_TIME, (key) => backups.delete(key), signal);
}
