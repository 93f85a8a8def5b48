// Whether a set is what it says, before its manifest makes it one; and whether the sets before it, and the log between them,
// still are. What can't be checked is a fault.
import { findGaps, listArchive } from '../../ops/pgbackrest/archive';
import { type RepositoryInfo, readRepository } from '../../ops/pgbackrest/info';
import { findMissing, readBranches } from '../../ops/pgbackrest/timelines';
import { damagedSegments, type Verification, verifyRepository } from '../../ops/pgbackrest/verification';
import type { BackupTools, RecoveryTools, StoreTools } from '../../ops/recovery/tools';
import { openLedger } from '../erasure-ledger/ledger';
import type { Attempt } from './attempt';
import { collectSizes } from './collect-sizes';
import { FILES, readIndex } from './file-index';
import { findLedgerFaults } from './ledger-head';
import type { Manifest, PostgresPart } from './manifest';
import { manifestOf } from './postgres';
import { chooseKept, type KnownSet, withBases } from './retention';
import { ENCRYPTION_BYTES, measure } from './stored-object';

export type MadeSet = Pick<Manifest, 'id' | 'kind' | 'postgres' | 'redis' | 'files' | 'provider' | 'ledgerHash'> &
  Partial<Pick<Manifest, 'ledger'>>;

export interface Faults {
  /** Of this set: it must not become one. */
  own: string[];
  /** Of those before it and of the log: a restore to some time is not possible. */
  older: string[];
  walChecked: number;
}

export async function findFaults(
  tools: BackupTools,
  sets: readonly Manifest[],
  made: MadeSet,
  before: Date,
  attempt: Attempt,
): Promise<Faults> {
  const faults: Faults = { own: [], older: [], walChecked: 0 };
  const { pgbackrest } = tools;
  if (made.postgres && pgbackrest) {
    await checkRepository({ ...tools, pgbackrest }, [...sets, made], made.postgres, before, faults, attempt.signal);
  }
  if (made.redis) faults.own.push(...(await checkObject(tools, made.redis)));
  const ledger = openLedger(tools.settings);
  const { ledger: position = 0, ...known } = made;
  faults.older.push(...(await findLedgerFaults(ledger, [...sets, { ...known, ledger: position }])));
  if (position > 0 && !made.ledgerHash)
    faults.older.push(`erasure-ledger/ lacks a sound entry at position ${position}`);
  if (made.files) faults.own.push(...(await checkFiles(tools, made.files)));
  return faults;
}

async function checkRepository(
  tools: Pick<RecoveryTools, 'pgbackrest' | 'backups'>,
  sets: readonly KnownSet[],
  own: PostgresPart,
  before: Date,
  faults: Faults,
  signal: AbortSignal,
): Promise<void> {
  const { pgbackrest } = tools;
  const verified = await verifyRepository(pgbackrest, signal);
  const info = await readRepository(pgbackrest, signal);
  faults.walChecked = verified.walChecked;
  const list = await measure(tools, manifestOf(own.label));
  if (list?.sha256 !== own.sha256) faults.own.push(`${manifestOf(own.label)} has changed`);

  const kept = chooseKept(sets, info.backup, before);
  const labels = kept.flatMap(({ postgres }) => postgres?.label ?? []);
  for (const label of new Set([...labels, own.label])) {
    if (verified.valid.includes(label)) continue;
    const chain = withBases([label], info.backup);
    const where = verified.named.filter((line) => [...chain].some((one) => line.includes(`${one}/`)));
    (label === own.label ? faults.own : faults.older).push([`backup ${label} is not valid`, ...where].join(': '));
  }

  const isOwn = (segment: string) => segment >= own.wal.start && segment <= own.wal.stop;
  const tell = (segment: string, what: string) =>
    (isOwn(segment) ? faults.own : faults.older).push(`segment ${segment} ${what}`);
  const { missing, oldest } = await findMissingSegments(tools, info, labels, signal);
  for (const segment of missing) tell(segment, 'is missing');
  const damaged = damagedSegments(verified);
  // What is older goes with the next prune.
  for (const segment of damaged.filter((one) => oldest && one >= oldest)) tell(segment, 'is damaged');
  faults.own.push(...unexplained(verified, damaged.length > 0));
}

/** From the oldest kept backup on, for each life of the cluster. */
async function findMissingSegments(
  { pgbackrest }: Pick<RecoveryTools, 'pgbackrest'>,
  info: RepositoryInfo,
  labels: string[],
  signal: AbortSignal,
): Promise<{ missing: string[]; oldest: string | undefined }> {
  const missing: string[] = [];
  const olds: string[] = [];
  const needed = withBases(labels, info.backup);
  for (const { id, database } of info.archive) {
    const own = info.backup.filter((backup) => backup.database.id === database.id && needed.has(backup.label));
    const oldest = own.map((backup) => backup.archive.start).sort()[0];
    if (!oldest) continue;
    olds.push(oldest);
    const archive = await listArchive(pgbackrest, id, signal);
    const branches = await readBranches(pgbackrest, id, archive, oldest, signal);
    missing.push(...findMissing(archive.segments, branches, oldest));
    // The newest ones of all may be missing too.
    for (const { archive: wal } of own) missing.push(...findGaps(archive.segments, wal.start, wal.stop));
  }
  return { missing: [...new Set(missing)].sort(), oldest: olds.sort()[0] };
}

/** What it says beyond single backups and segments; those of backups that nobody needs any more are none. */
const unexplained = ({ faults }: Verification, hasDamagedSegments: boolean): string[] =>
  faults.filter(
    (fault) =>
      !fault.startsWith('backup') && fault !== 'status: error' && !(hasDamagedSegments && fault.startsWith('archive')),
  );

async function checkObject(
  tools: StoreTools,
  { key, size, sha256 }: { key: string; size: number; sha256: string },
): Promise<string[]> {
  const found = await measure(tools, key);
  if (!found) return [`${key} is missing`];
  return found.size === size && found.sha256 === sha256 ? [] : [`${key} is damaged`];
}

/** Files were hashed when they were stored; here it is whether they are there, whole. */
async function checkFiles(tools: StoreTools, part: NonNullable<Manifest['files']>): Promise<string[]> {
  const faults = await checkObject(tools, part);
  if (faults.length > 0) return faults;
  const { files } = await readIndex(tools, part);
  const sizes = await collectSizes(tools.backups, FILES);
  for (const { key, size } of files) {
    const found = sizes.get(key);
    if (found === undefined) faults.push(`${key} is missing`);
    else if (found !== size + ENCRYPTION_BYTES) faults.push(`${key} is damaged`);
  }
  return faults;
}
