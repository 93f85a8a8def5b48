// Whether the write-ahead log reaches the repository: what PostgreSQL says waits, and what the worker on its host has found there.
import { setTimeout as delay } from 'node:timers/promises';
import { readArchivingRecord } from '../ops/pgbackrest/archiving-record';
import { readWaitingLog, STALLED_AFTER_SECONDS, troubleOf } from '../ops/pgbackrest/waiting-log';
import type { ObjectStore } from '../ops/runtime/object-store';
import type { Database } from '../prisma/client';

const KEPT_MS = 5_000;
const ANSWERS_WITHIN_MS = 2_000;

export interface Archiving {
  state: 'ok' | 'stalled' | 'unknown';
  reason: string | null;
  oldestWaitingSeconds: number | null;
}

/** Whether a provider's own backups work is for the provider to tell. */
export const KEPT_BY_PROVIDER: Archiving = { state: 'unknown', reason: 'kept_by_provider', oldestWaitingSeconds: null };

type AtWorker = Pick<Archiving, 'state' | 'reason'>;

export function createArchiving(db: Database, backups: ObjectStore): () => Promise<Archiving> {
  let kept: { state: Promise<Archiving>; until: number } | null = null;
  return () => {
    if (!kept || kept.until <= Date.now()) kept = { state: look(db, backups), until: Date.now() + KEPT_MS };
    return kept.state;
  };
}

async function look(db: Database, backups: ObjectStore): Promise<Archiving> {
  const waiting = new AbortController();
  const silent = delay(ANSWERS_WITHIN_MS, null, { signal: waiting.signal }).catch(() => null);
  try {
    const found = readArchivingRecord(backups).catch((): AtWorker => ({ state: 'unknown', reason: 'repository_away' }));
    const [log, record] = await Promise.all([
      Promise.race([readWaitingLog((sql) => db.$queryRawUnsafe(sql)), silent]),
      Promise.race([found, silent]),
    ]);
    if (!log) return { state: 'unknown', reason: 'database_away', oldestWaitingSeconds: null };
    const { archives, oldestWaitingSeconds } = log;
    if (!archives) return { state: 'stalled', reason: 'archive_mode_off', oldestWaitingSeconds };
    if ((oldestWaitingSeconds ?? 0) > STALLED_AFTER_SECONDS) {
      return { state: 'stalled', reason: 'segments_wait', oldestWaitingSeconds };
    }
    const { state, reason }: AtWorker = record ?? { state: 'unknown', reason: 'not_watched' };
    return { state, reason, oldestWaitingSeconds };
  } catch (error) {
    return { state: 'unknown', reason: troubleOf(error), oldestWaitingSeconds: null };
  } finally {
    waiting.abort();
  }
}
