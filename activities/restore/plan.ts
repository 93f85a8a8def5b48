// The preflight: what will be restored, to which moment, and whether it can be. Refuses before anything is touched.
import { statfs } from 'node:fs/promises';
import { CLUSTER_NAME, livingName } from '../../ops/local/clusters';
import { isStartedByLink, NOT_BY_LINK } from '../../ops/local/postmaster';
import { type Archive, listArchive, numberAt, numberOf, type Segment, timelineOf } from '../../ops/pgbackrest/archive';
import { type RepositoryInfo, RepositoryTrouble, readRepository } from '../../ops/pgbackrest/info';
import { PgBackRestError } from '../../ops/pgbackrest/pgbackrest';
import { damagedSegments, type Verification, verifyRepository } from '../../ops/pgbackrest/verification';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { RestorePlan, RestoreTarget } from '../../workflows/contracts/restore';
import { findLedgerFaults } from '../backup/ledger-head';
import { readCatalogue } from '../backup/sets';
import { LedgerKeyUnknown, openLedger } from '../erasure-ledger/ledger';
import { chooseSet, type WholeManifest } from './chosen-set';
import { listOutlived } from './outlived';
import { requireOwnRecords } from './own-records';
import { checkParts } from './parts';
import { refusal } from './refusal';
import { requireChecks } from './required-checks';
import { findRestorePoint } from './restore-point';
import { isOnWay, livingTimeline, type Stretch, segmentsAlong, wayTo } from './timelines';

/** Beside what the cluster itself takes: its log while it recovers. */
export const SPARE_BYTES = 256 * 1024 * 1024;

/** @param signal ends what it waits for */
export async function planRestore(
  tools: RecoveryTools,
  target: RestoreTarget,
  signal?: AbortSignal,
): Promise<RestorePlan> {
  await requireChecks(tools);
  if (isStartedByLink(tools.host.home)) throw refusal('started_by_link', `${NOT_BY_LINK}.`);
  requireOwnName(tools);
  await requireOwnRecords(tools.backups);
  const recorded = target.before ? await findRestorePoint(tools.backups, target.before) : null;
  // Where the log has no name for it, its time is what there is to go back to.
  const point = recorded?.lsn ? recorded : null;
  const moment = target.time ?? (recorded && !point ? recorded.at : undefined);
  const time = moment ? new Date(moment) : null;
  if (time && time.getTime() > Date.now()) {
    throw refusal('after_last_commit', `The target ${time.toISOString()} has not come yet.`);
  }
  const until = time ?? (point ? new Date(point.at) : null);
  const newest = await chooseSet(tools, target.from, until);
  const repository = await openRepository(tools, signal);
  const to = point ? 'restore_point' : time ? 'time' : target.from === 'latest' ? 'end' : 'set';
  const wanted = point?.timeline ?? (await livingTimeline(tools, newest.postgres.systemId));
  const living = await readLog(tools, repository, newest, wanted, signal);
  const leadsThere = leadsAlong(repository, living.way);
  // One that was made in a life that was left leads elsewhere: it counts where it was named, and then goes its own way.
  const manifest = target.from === 'latest' ? await chooseSet(tools, 'latest', until, leadsThere) : newest;
  const ownWay = to === 'set' || !leadsThere(manifest);
  const log = ownWay ? await readLog(tools, repository, manifest, 'own', signal) : living;
  const { postgres } = manifest;
  checkVersion(tools, manifest);
  await requireLedger(tools, signal);
  const free = await freeBytes(tools.host.home);
  if (free < postgres.size + SPARE_BYTES) {
    const outlived = await listOutlived(tools);
    const remedy = outlived.length > 0 ? `remove what earlier restores left: ${outlived.join(', ')}` : 'make room';
    throw refusal(
      'too_little_space',
      `The restored database needs ${inMegabytes(postgres.size + SPARE_BYTES)} below ${tools.host.home}, and ${inMegabytes(free)} are free: ${remedy}.`,
    );
  }
  const damaged = await checkIntegrity(tools, manifest, repository, signal);
  checkSegments(manifest, log, { to, time, lsn: point?.lsn ?? null, damaged });
  return {
    setId: manifest.id,
    to,
    time: moment ? toMicroseconds(moment) : null,
    restorePoint: point?.name ?? null,
    timeline: log.timeline,
    size: postgres.size,
    free,
  };
}

/** As exact as a commit is: a Date knows milliseconds only, and would leave out what was committed in the rest of one. */
function toMicroseconds(time: string): string {
  const micros = /[.,]\d{3}(\d{1,3})/.exec(time)?.[1]?.padEnd(3, '0') ?? '000';
  return new Date(time).toISOString().replace('Z', `${micros}Z`);
}

/** A restore records the folder that it replaces, and an undo starts PostgreSQL from there: only from one that we name. */
function requireOwnName({ host: { home } }: RecoveryTools): void {
  const name = livingName(home);
  if (CLUSTER_NAME.test(name)) return;
  throw refusal(
    'other_cluster_name',
    `${home} names its cluster ${name}, and a restore replaces only one called data: stop PostgreSQL, rename that folder, and let the link current name it.`,
  );
}

async function openRepository({ pgbackrest }: RecoveryTools, signal?: AbortSignal): Promise<RepositoryInfo> {
  try {
    return await readRepository(pgbackrest, signal);
  } catch (error) {
    if (error instanceof RepositoryTrouble && error.code === 99) {
      throw refusal(
        'wrong_passphrase',
        "The repository can't be read: it was encrypted with another BACKUP_PASSPHRASE, or is damaged.",
      );
    }
    throw error;
  }
}

/** Every set tells how the ledger was: one that has lost its end would bring people back. */
async function requireLedger(tools: RecoveryTools, signal = new AbortController().signal): Promise<void> {
  const { sets } = await readCatalogue(tools, signal);
  const faults = await findLedgerFaults(openLedger(tools.settings), sets).catch((error) => {
    throw error instanceof LedgerKeyUnknown ? refusal('wrong_key', error.message) : error;
  });
  if (faults.length === 0) return;
  throw refusal(
    'broken_ledger',
    `The erasure ledger is damaged, and erased people would come back: ${faults[0]}. Bring its objects back (docs/DR_RUNBOOK.md#8-the-bucket-was-attacked).`,
  );
}

function checkVersion({ host }: RecoveryTools, { id, postgres }: WholeManifest): void {
  if (Number(postgres.version) === host.major) return;
  throw refusal(
    'other_major_version',
    `The set ${id} is of PostgreSQL ${postgres.version}, and here runs ${host.major}: install PostgreSQL ${postgres.version}.`,
  );
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** @returns segments that are damaged, whoever needs them */
async function checkIntegrity(
  tools: RecoveryTools,
  manifest: WholeManifest,
  repository: RepositoryInfo,
  signal?: AbortSignal,
): Promise<string[]> {
  const { label } = manifest.postgres;
  const backup = repository.backup.find((one) => one.label === label);
  if (!backup) throw refusal('broken_backup', `The repository no longer holds ${label} of the set ${manifest.id}.`);
  await checkParts(tools, manifest, signal);
  const verified = await verifyRepository(tools.pgbackrest, signal).catch((error) => {
    // One that was killed says nothing of the repository.
    if (error instanceof PgBackRestError && error.exitCode !== null)
      throw refusal('broken_backup', `The repository could not be verified: ${error.said}`);
    throw error;
  });
  const needed = [label, ...(backup.reference ?? [])];
  const invalid = needed.filter((one) => !verified.valid.includes(one));
  const damaged = damagedSegments(verified);
  if (invalid.length > 0 || isLogDamagedSomewhere(verified, damaged)) {
    const where = [...invalid, ...verified.faults, ...verified.named].join('; ');
    throw refusal('broken_backup', `The set ${manifest.id} is damaged: ${where}. Name another set.`);
  }
  return damaged;
}

/** Where it does not say which segments they are, it may be any. */
const isLogDamagedSomewhere = ({ faults }: Verification, damaged: string[]): boolean =>
  damaged.length === 0 && faults.some((fault) => fault.startsWith('archive'));

interface Log {
  archive: Archive;
  /** Which is followed, and the way there. */
  timeline: number;
  way: Stretch[];
}

/** @param wanted null for the newest there is */
async function readLog(
  { pgbackrest }: Pick<RecoveryTools, 'pgbackrest'>,
  repository: RepositoryInfo,
  set: WholeManifest,
  wanted: number | 'own' | null,
  signal?: AbortSignal,
): Promise<Log> {
  const archiveId = repository.archive.at(-1)?.id ?? '';
  const archive = await listArchive(pgbackrest, archiveId, signal);
  const own = timelineOf(set.postgres.wal.stop);
  // One that has just begun has not come to the archive yet.
  const known = Math.max(own, ...archive.timelines);
  const timeline = wanted === 'own' ? own : Math.min(wanted ?? known, known);
  return { archive, timeline, way: await wayTo(pgbackrest, archiveId, timeline) };
}

/** Of one that is not there any more others tell. */
export const leadsAlong = (repository: RepositoryInfo, way: readonly Stretch[]) => (set: WholeManifest) => {
  const backup = repository.backup.find(({ label }) => label === set.postgres.label);
  return !backup || isOnWay(way, backup);
};

interface Goal {
  to: RestorePlan['to'];
  time: Date | null;
  lsn: string | null;
  damaged: string[];
}

function checkSegments({ id, postgres }: WholeManifest, { archive, way, timeline }: Log, goal: Goal): void {
  const { segments } = archive;
  const last = lastNeeded(
    goal,
    segments.filter(({ name }) => timelineOf(name) === timeline),
    postgres.wal.stop,
  );
  const needed = segmentsAlong(way, postgres.wal.start, Math.max(last, numberOf(postgres.wal.stop)));
  const there = new Set(segments.map(({ name }) => name));
  const missing = needed.filter((name) => !there.has(name));
  if (missing.length > 0) {
    throw refusal(
      'missing_segment',
      `Between the set ${id} and the target the log has a gap: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing.`,
    );
  }
  const damaged = needed.filter((name) => goal.damaged.includes(name));
  if (damaged.length > 0) {
    throw refusal(
      'broken_backup',
      `The log that leads to the target is damaged: ${damaged.join(', ')}. Choose a target before, or a set after it.`,
    );
  }
}

/** The number of the segment in which the target lies, or after which nobody knows more. */
function lastNeeded({ to, time, lsn }: Goal, segments: readonly Segment[], stop: string): number {
  const end = segments.length > 0 ? numberOf((segments.at(-1) as Segment).name) : numberOf(stop);
  if (to === 'set') return numberOf(stop);
  if (to === 'time') {
    // Kept after the target, so it holds what was committed before.
    const holding = segments.find(({ at }) => time !== null && at >= time);
    return holding ? numberOf(holding.name) : end;
  }
  if (to === 'restore_point' && lsn) return numberAt(lsn);
  return end;
}

const inMegabytes = (bytes: number) => `${Math.ceil(bytes / 1_000_000)} MB`;
