// The part of PostgreSQL: pgBackRest makes it, and this says what it made. A repeat adopts what a killed attempt has finished.
import { isStartedByLink, NOT_BY_LINK } from '../../ops/local/postmaster';
import {
  endOf,
  type RepositoryBackup,
  type RepositoryInfo,
  RepositoryTrouble,
  readRepository,
} from '../../ops/pgbackrest/info';
import { REPOSITORY, STANZA } from '../../ops/pgbackrest/repository';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { Database } from '../../prisma/client';
import type { BackupKind } from '../../workflows/contracts/backup';
import type { Attempt } from './attempt';
import type { Manifest, PostgresPart, ProviderPart } from './manifest';
import { readLock } from './orphan';
import { runAlone } from './run-alone';
import { measure } from './stored-object';
import { refusal, StepTrouble } from './troubles';
import { findWhatKeepsLog } from './waiting-segment';

export interface PostgresRequest {
  startedAt: string;
  kind: BackupKind;
}

export interface StoredPostgres {
  /** Null if a provider keeps the database. */
  part: PostgresPart | null;
  provider?: ProviderPart;
  /** Full where an incremental one had nothing sound to build on. */
  kind: BackupKind;
  /** Bytes that this set added. */
  stored: number;
}

const SHOWS_EACH_MS = 500;
const FULL_PERCENT = 10_000;

/** @param sets all that there are */
export async function backUpPostgres(
  { tools, db }: { tools: RecoveryTools; db: Database },
  sets: readonly Manifest[],
  { startedAt, kind }: PostgresRequest,
  attempt: Attempt,
): Promise<StoredPostgres> {
  const { pgbackrest } = tools;
  if (isStartedByLink(tools.host.home)) throw new StepTrouble('started_by_link', `${NOT_BY_LINK}.`);
  // The pointer or a credential may have changed.
  pgbackrest.configure();
  const named = new Set(sets.flatMap(({ postgres }) => postgres?.label ?? []));
  const before = await openRepository(tools, named.size, attempt.signal);
  const mine = (backup: RepositoryBackup) =>
    backup.timestamp.start >= Math.floor(Date.parse(startedAt) / 1000) &&
    !named.has(backup.label) &&
    (backup.type === 'full' || backup.type === kind);
  const finished = before.backup.findLast(mine);
  if (finished) return describe(tools, before, finished, attempt.signal);

  // What stands last without a set was not sound, or is not known to be.
  const last = before.backup.at(-1);
  const type = kind === 'incr' && last && named.has(last.label) ? 'incr' : 'full';
  const make = () => runAlone(pgbackrest, 'backup', [`--type=${type}`], attempt.signal);
  await showing({ tools, db }, attempt, make).catch(async (error: unknown) => {
    throw await findWhatKeepsLog({ tools, db }, error, attempt.signal);
  });
  const after = await readRepository(pgbackrest, attempt.signal);
  const known = new Set(before.backup.map(({ label }) => label));
  const made = after.backup.findLast(({ label }) => !known.has(label));
  if (!made || made.error)
    throw new StepTrouble('backup_unsound', 'pgBackRest ended well and lists no sound backup of it');
  return describe(tools, after, made, attempt.signal);
}

/** Made where there never was one. One that is gone is no new one: a version of it may be brought back. */
async function openRepository(
  { pgbackrest }: RecoveryTools,
  sets: number,
  signal: AbortSignal,
): Promise<RepositoryInfo> {
  try {
    return await readRepository(pgbackrest, signal);
  } catch (error) {
    if (!(error instanceof RepositoryTrouble) || ![1, 2, 3].includes(error.code)) throw error;
    if (sets > 0) {
      throw refusal(
        'repository_missing',
        `The repository below BACKUP_URL is gone, and ${sets} sets name it: bring its objects back, or remove sets/`,
      );
    }
    await pgbackrest.run('stanza-create', [], { signal });
    return readRepository(pgbackrest, signal);
  }
}

async function describe(
  tools: RecoveryTools,
  info: RepositoryInfo,
  backup: RepositoryBackup,
  signal: AbortSignal,
): Promise<StoredPostgres> {
  signal.throwIfAborted();
  const { label, type, archive } = backup;
  const database = info.db.find(({ id }) => id === backup.database.id);
  const list = await measure(tools, manifestOf(label));
  if (!database || !list) throw new StepTrouble('backup_unsound', `The repository does not hold what ${label} is`);
  return {
    part: {
      label,
      version: database.version,
      systemId: database['system-id'],
      size: backup.info.size,
      repositorySize: backup.info.repository.size,
      sha256: list.sha256,
      wal: archive,
      stoppedAt: endOf(backup),
    },
    kind: type === 'full' ? 'full' : 'incr',
    stored: backup.info.repository.delta,
  };
}

/** The list of a backup's files, below BACKUP_URL. */
export const manifestOf = (label: string) => `${REPOSITORY}/backup/${STANZA}/${label}/backup.manifest`;

/** As far as pgBackRest itself says, of the bytes of all databases. */
async function showing<T>(
  { tools, db }: { tools: RecoveryTools; db: Database },
  { show }: Attempt,
  work: () => Promise<T>,
): Promise<T> {
  const [size] = await db.$queryRaw<
    { bytes: number }[]
  >`SELECT sum(pg_database_size(oid))::float8 AS bytes FROM pg_database`;
  const total = size?.bytes ?? 0;
  const look = () =>
    show({
      done: Math.round((total * (readLock(tools.pgbackrest)?.pctCplt ?? 0)) / FULL_PERCENT),
      total,
      unit: 'bytes',
    });
  const looks = setInterval(look, SHOWS_EACH_MS);
  try {
    return await work();
  } finally {
    clearInterval(looks);
  }
}
