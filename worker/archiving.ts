// Starts and monitors WAL archiving. If archiving stalls, the newest restorable state may be an hour old.
import { setTimeout as delay } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';
import { listSets } from '../activities/backup/manifest';
import { livingCluster } from '../ops/local/clusters';
import { isStartedByLink, NOT_BY_LINK } from '../ops/local/postmaster';
import { type ArchivingState, createArchivingWatch } from '../ops/pgbackrest/archiving';
import { RECORDED_EACH_SECONDS, recordArchiving } from '../ops/pgbackrest/archiving-record';
import { findRecoveryTools, type RecoveryTools } from '../ops/recovery/tools';
import { askDatabase } from '../ops/runtime/ask-database';
import type { Configuration } from '../ops/runtime/configuration';
import type { Logger } from '../ops/runtime/logging';

const LOOKS_EACH_MS = 30_000;
const ANSWERS_WITHIN_MS = 5_000;
const LOOKS_WITHIN_MS = 60_000;

const REMEDIES: Record<string, string> = {
  segments_wait: "its command fails: look into PostgreSQL's log, and whether the repository can be written to",
  not_in_repository:
    'its command says that it kept what is not there: archive_command must be the one of docs/backup.md',
  repository_missing: 'the repository was there and is gone: bring its objects back (docs/backup.md)',
  archive_mode_off: 'archive_mode is off: see docs/backup.md',
  not_allowed: 'the role of DATABASE_URL may not look: GRANT pg_monitor to it',
  database_away: 'the database does not answer',
  recovering: 'the database is recovering',
  started_by_link: NOT_BY_LINK,
  nothing_archived: 'no segment has arrived yet: the first one does within a minute after a change',
  repository_away: "the repository can't be read: look after BACKUP_URL, its credentials and BACKUP_PASSPHRASE",
};

export interface KeepArchiving {
  settings: Configuration;
  registry: Registry;
  logger: Logger;
}

/** Where this host holds the cluster and the tools, until `stopping`. */
export async function keepArchiving(
  { settings, registry, logger }: KeepArchiving,
  stopping: AbortSignal,
): Promise<void> {
  if (settings.POSTGRES_KEPT_BY === 'provider') return;
  const tools = await findTools(settings, logger, stopping);
  if (!tools) return;
  const show = createGauges(registry);
  const look = createArchivingWatch({
    query: (sql) =>
      askDatabase(settings.DATABASE_URL, sql, { name: 'countersign archiving', withinMs: ANSWERS_WITHIN_MS }),
    pgbackrest: tools.pgbackrest,
    isByLink: () => isStartedByLink(tools.host.home),
    hasSets: async () => (await listSets(tools.backups)).length > 0,
  });
  let before: ArchivingState['state'] | null = null;
  let recordedAt = 0;
  const isHeld = () =>
    askDatabase(settings.DATABASE_URL, 'SELECT 1 FROM instance WHERE held_code IS NOT NULL', {
      name: 'countersign archiving',
      withinMs: ANSWERS_WITHIN_MS,
    }).then(
      (rows) => rows.length > 0,
      () => false,
    );
  const keepRecord = async (now: ArchivingState) => {
    if (now.state === before && Date.now() - recordedAt < RECORDED_EACH_SECONDS * 1000) return;
    // A copy says nothing in the store of the database that it was copied from.
    if (await isHeld()) return;
    // A store that is away shows in the state itself.
    await recordArchiving(tools.backups, now).then(
      () => {
        recordedAt = Date.now();
      },
      () => {},
    );
  };
  let configured = livingCluster(tools.host.home);
  while (!stopping.aborted) {
    // A restore moves the pointer.
    const living = livingCluster(tools.host.home);
    if (living !== configured) tools.pgbackrest.configure();
    configured = living;
    const now = await look(AbortSignal.any([stopping, AbortSignal.timeout(LOOKS_WITHIN_MS)]));
    if (stopping.aborted) return;
    show(now);
    await keepRecord(now);
    if (now.state !== before) tell(logger, now, before);
    before = now.state;
    await delay(LOOKS_EACH_MS, undefined, { signal: stopping }).catch(() => {});
  }
}

/** Tries again where the search itself fails: the cluster may be made a moment later. */
async function findTools(
  settings: Configuration,
  logger: Logger,
  stopping: AbortSignal,
): Promise<RecoveryTools | null> {
  while (!stopping.aborted) {
    try {
      return (await findRecoveryTools(settings)).tools;
    } catch (err) {
      logger.warn({ err }, 'What backups need could not be looked for; the next look does');
      await delay(LOOKS_EACH_MS, undefined, { signal: stopping }).catch(() => {});
    }
  }
  return null;
}

function createGauges(registry: Registry): (state: ArchivingState) => void {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const stalled = gauge(
    'countersign_archiving_stalled',
    '1 where the write-ahead log does not reach the repository, NaN where that could not be checked',
  );
  const lag = gauge(
    'countersign_archiving_lag_seconds',
    'For how long the oldest segment of the log has waited for its way into the repository, NaN where that is not known',
  );
  return ({ state, lagSeconds }) => {
    stalled.set(state === 'unknown' ? Number.NaN : Number(state === 'stalled'));
    lag.set(state === 'ok' ? (lagSeconds ?? 0) : (lagSeconds ?? Number.NaN));
  };
}

function tell(
  logger: Logger,
  { state, reason, newestSegment, oldestWaitingSeconds }: ArchivingState,
  before: string | null,
): void {
  const remedy = REMEDIES[reason ?? ''] ?? '';
  if (state === 'stalled') {
    logger.error(
      { reason, newestSegment, oldestWaitingSeconds },
      `The write-ahead log does not reach the repository; ${remedy}`,
    );
  } else if (state === 'unknown') {
    logger.warn({ reason }, `Whether the write-ahead log reaches the repository can't be told; ${remedy}`);
  } else if (before !== null) {
    logger.info({ newestSegment }, 'The write-ahead log reaches the repository again');
  }
}
