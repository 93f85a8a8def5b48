// The steps of a backup. Each can be repeated: a retry after a kill goes on, and nothing counts before its manifest is there.
import type { BackupTools } from '../../ops/recovery/tools';
import { VERSION } from '../../ops/runtime/package-root';
import type { Database } from '../../prisma/client';
import type { BackupKind } from '../../workflows/contracts/backup';
import { readHeld } from '../continuity/hold';
import { pruneReports } from '../drill-reports';
import { openLedger } from '../erasure-ledger/ledger';
import { pruneLists } from '../restore/records';
import { pruneRestorePoints } from '../restore-points';
import { pruneJournal } from '../rewind/journal-retention';
import { type Attempt, attempt } from './attempt';
import { type DatabaseState, readDatabaseState } from './database-state';
import { backUpFiles, type StoredFiles } from './files';
import { type Manifest, manifestKey, writeManifest } from './manifest';
import { findOldestReach } from './oldest-reach';
import { backUpPostgres, type StoredPostgres } from './postgres';
import { describeProvided } from './provider';
import { prune } from './prune';
import { backUpRedis, type RedisPart } from './redis';
import { timeOfSet } from './retention';
import { readCatalogue } from './sets';
import { refusal, StepTrouble } from './troubles';
import { findFaults, type MadeSet } from './verify';

export interface SetRequest {
  setId: string;
  /** When it had the lock: what pgBackRest finished since, and no set names, is its own. */
  startedAt: string;
  kind: BackupKind;
}
export type MadeManifest = Omit<Manifest, 'format' | 'finishedAt' | 'release'>;

export interface BackupActivities {
  /** Refuses where the set is another run's. */
  openSet(setId: string): Promise<void>;
  /** Before it is backed up, so that a restored state has as many rows or more. */
  describeDatabase(): Promise<DatabaseState>;
  storePostgres(request: SetRequest): Promise<StoredPostgres>;
  storeRedis(request: SetRequest): Promise<RedisPart | null>;
  storeFiles(request: SetRequest): Promise<StoredFiles>;
  /** Refuses where the set is not what it says. @returns what is wrong with what was there before */
  verifySet(made: MadeSet): Promise<{ walChecked: number; older: string | null }>;
  /** From then on the set exists. */
  writeSet(made: MadeManifest): Promise<void>;
  /** Then what only they needed: restore points, and journals of sends. @returns the sets that went by age */
  pruneSets(): Promise<string[]>;
}

const FAULTS_TOLD = 5;
const DAY_MS = 86_400_000;

export interface BackupDependencies {
  db: Database;
}

export function createBackupActivities(tools: BackupTools, { db }: BackupDependencies): BackupActivities {
  /** A copy must not back up in the place of the database that it was copied from. */
  const step = <T>(work: (own: Attempt) => Promise<T>): Promise<T> =>
    attempt(async (own) => {
      // A database that is away says nothing: Redis and files can be backed up all the same.
      if (await readHeld(db).catch(() => null))
        throw new StepTrouble('mail_held', 'Mail of this database is held: adopt it first');
      return work(own);
    });
  const readSets = (signal: AbortSignal) => readCatalogue(tools, signal).then(({ sets }) => sets);
  const agesOut = () => new Date(Date.now() - tools.settings.BACKUP_RETENTION_DAYS * DAY_MS);
  return {
    openSet: (setId) =>
      step(async () => {
        if (await tools.backups.has(manifestKey(setId)))
          throw refusal('set_exists', `There is a set ${setId} already: start again`);
      }),

    describeDatabase: () => step(() => readDatabaseState(db, openLedger(tools.settings))),
    storePostgres: (request) =>
      step(async (own) => {
        const { host, pgbackrest } = tools;
        if (!host || !pgbackrest) {
          return { part: null, provider: await describeProvided(db), kind: request.kind, stored: 0 };
        }
        return backUpPostgres({ tools: { ...tools, host, pgbackrest }, db }, await readSets(own.signal), request, own);
      }),
    storeRedis: ({ setId }) => step((own) => backUpRedis(tools, setId, own)),
    storeFiles: ({ setId }) => step(async (own) => backUpFiles(tools, await readSets(own.signal), setId, own)),

    verifySet: (made) =>
      step(async (own) => {
        const sets = await readSets(own.signal);
        const faults = await findFaults(tools, sets, made, agesOut(), own);
        if (faults.own.length > 0) throw refusal('verification_failed', `The set is not sound: ${tell(faults.own)}`);
        return { walChecked: faults.walChecked, older: faults.older.length > 0 ? tell(faults.older) : null };
      }),

    writeSet: (made) =>
      step(async () => {
        const finishedAt = new Date().toISOString();
        await writeManifest(tools.backups, tools.signer, { format: 1, ...made, finishedAt, release: VERSION });
      }),

    pruneSets: () =>
      step(async (own) => {
        const request = { before: agesOut(), now: new Date() };
        const catalogue = await readCatalogue(tools, own.signal);
        const { pruned, kept } = await prune(tools, catalogue, request, own);
        const [oldest] = kept;
        if (oldest) {
          await pruneRestorePoints(tools.backups, timeOfSet(oldest.id));
          await pruneReports(tools.backups, tools.signer, timeOfSet(oldest.id));
          await pruneLists(tools.backups, timeOfSet(oldest.id));
        }
        const reach = await findOldestReach(tools, [...kept, ...catalogue.shadows]);
        if (reach) await pruneJournal(tools.backups, reach);
        return pruned;
      }),
  };
}

function tell(faults: readonly string[]): string {
  const more = faults.length - FAULTS_TOLD;
  return `${faults.slice(0, FAULTS_TOLD).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
