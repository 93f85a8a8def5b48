// Whether the write-ahead log really arrives in the repository: by what waits in PostgreSQL, and by what lies in the repository
// of the segments that have ended while this watched. A command that says it has kept a segment is not believed.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findNewestSegment, numberOf, segmentName, timelineOf } from './archive';
import type { PgBackRest } from './pgbackrest';
import { archiveId, openStanza, RepositoryMissing } from './stanza';
import { type Query, readWaitingLog, STALLED_AFTER_SECONDS, troubleOf } from './waiting-log';

export interface ArchivingState {
  state: 'ok' | 'stalled' | 'unknown';
  /** Of this state. */
  since: string;
  /** A code. */
  reason: string | null;
  /** In the repository, on the timeline that is written. */
  newestSegment: string | null;
  oldestWaitingSeconds: number | null;
  /** Since when something should have arrived that has not; null where that is not known. */
  lagSeconds: number | null;
}

export interface ArchivingDependencies {
  query: Query;
  pgbackrest: PgBackRest;
  hasSets(): Promise<boolean>;
  /** No backup and no restore is possible then. */
  isByLink?(): boolean;
  stalledAfterSeconds?: number;
}

type Look = Pick<ArchivingState, 'state' | 'reason'> & Partial<ArchivingState>;

export function createArchivingWatch({
  query,
  pgbackrest,
  hasSets,
  isByLink = () => false,
  stalledAfterSeconds = STALLED_AFTER_SECONDS,
}: ArchivingDependencies): (signal?: AbortSignal) => Promise<ArchivingState> {
  let last: ArchivingState | null = null;
  const arrivals = createArrivals();
  /** The cluster and the timeline of which a segment was read back. */
  let readable = '';

  async function look(signal?: AbortSignal): Promise<Look> {
    const log = await readWaitingLog(query).catch(troubleOf);
    if (typeof log === 'string') return { state: 'unknown', reason: log };
    const { segment, oldestWaitingSeconds } = log;
    if (!log.archives) return { state: 'stalled', reason: 'archive_mode_off' };
    if (isByLink()) return { state: 'stalled', reason: 'started_by_link' };
    if (segment === null) return { state: 'unknown', reason: 'recovering' };

    const found = await findNewest(timelineOf(segment), signal).catch((error: unknown) => ({
      trouble: error instanceof RepositoryMissing ? error.code : ('repository_away' as const),
    }));
    const newestSegment = 'trouble' in found ? null : found.newest;
    const missingSeconds = 'trouble' in found ? null : arrivals(segment, found.newest);
    const lagSeconds =
      missingSeconds === null ? oldestWaitingSeconds : Math.max(oldestWaitingSeconds ?? 0, missingSeconds);
    const seen = { newestSegment, oldestWaitingSeconds, lagSeconds };
    if ((oldestWaitingSeconds ?? 0) > stalledAfterSeconds)
      return { ...seen, state: 'stalled', reason: 'segments_wait' };
    if ('trouble' in found) {
      return { ...seen, state: found.trouble === 'repository_missing' ? 'stalled' : 'unknown', reason: found.trouble };
    }
    if ((missingSeconds ?? 0) > stalledAfterSeconds) return { ...seen, state: 'stalled', reason: 'not_in_repository' };
    if (newestSegment === null) return { ...seen, state: 'unknown', reason: 'nothing_archived' };
    return { ...seen, state: 'ok', reason: null };
  }

  async function findNewest(timeline: number, signal?: AbortSignal) {
    const id = archiveId(await openStanza(pgbackrest, hasSets, signal));
    const newest = id === null ? null : await findNewestSegment(pgbackrest, id, timeline, signal);
    if (newest !== null && readable !== `${id} ${timeline}`) {
      await readBack(pgbackrest, newest, signal);
      readable = `${id} ${timeline}`;
    }
    return { newest };
  }

  return async (signal) => {
    const now = await look(signal);
    const since = last?.state === now.state ? last.since : new Date().toISOString();
    last = { newestSegment: null, oldestWaitingSeconds: null, lagSeconds: null, ...now, since };
    return last;
  };
}

/** A segment that is listed may still be of another cluster, or encrypted with another passphrase. Throws PgBackRestError. */
async function readBack(pgbackrest: PgBackRest, segment: string, signal?: AbortSignal): Promise<void> {
  const copy = join(dirname(pgbackrest.configFile), 'read-back');
  try {
    await pgbackrest.run('archive-get', [segment, copy], { signal });
  } finally {
    rmSync(copy, { force: true });
  }
}

/** @returns for how many seconds a segment that has ended has been missing in the repository */
function createArrivals(): (current: string, newest: string | null) => number {
  /** The segment at which the watch of this timeline began: what ended before is not its business. */
  let begun: string | null = null;
  let missing: { name: string; since: number } | null = null;
  return (current, newest) => {
    if (begun === null || timelineOf(begun) !== timelineOf(current) || current < begun)
      [begun, missing] = [current, null];
    const has = (name: string) => newest !== null && newest >= name;
    if (missing && has(missing.name)) missing = null;
    const ended = segmentName(timelineOf(current), numberOf(current) - 1);
    if (!missing && ended >= begun && !has(ended)) missing = { name: ended, since: Date.now() };
    return missing ? (Date.now() - missing.since) / 1000 : 0;
  };
}
