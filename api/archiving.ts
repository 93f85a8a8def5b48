// Whether the write-ahead log leaves PostgreSQL, as the API can see it: what waits. Whether it arrives, the worker's metric tells.
import { setTimeout as delay } from 'node:timers/promises';
import { readWaitingLog, STALLED_AFTER_SECONDS, troubleOf } from '../ops/pgbackrest/waiting-log';
import type { Database } from '../prisma/client';

const KEPT_MS = 5_000;
const ANSWERS_WITHIN_MS = 2_000;

export interface Archiving {
  state: 'ok' | 'stalled' | 'unknown';
  reason: string | null;
  oldestWaitingSeconds: number | null;
}

export function createArchiving(db: Database): () => Promise<Archiving> {
  let kept: { state: Promise<Archiving>; until: number } | null = null;
  return () => {
    if (!kept || kept.until <= Date.now()) kept = { state: look(db), until: Date.now() + KEPT_MS };
    return kept.state;
  };
}

async function look(db: Database): Promise<Archiving> {
  const waiting = new AbortController();
  const silent = delay(ANSWERS_WITHIN_MS, null, { signal: waiting.signal }).catch(() => null);
  try {
    const log = await Promise.race([readWaitingLog((sql) => db.$queryRawUnsafe(sql)), silent]);
    if (!log) return { state: 'unknown', reason: 'database_away', oldestWaitingSeconds: null };
    const { archives, oldestWaitingSeconds } = log;
    const reason = !archives
      ? 'archive_mode_off'
      : (oldestWaitingSeconds ?? 0) > STALLED_AFTER_SECONDS
        ? 'segments_wait'
        : null;
    return { state: reason ? 'stalled' : 'ok', reason, oldestWaitingSeconds };
  } catch (error) {
    return { state: 'unknown', reason: troubleOf(error), oldestWaitingSeconds: null };
  } finally {
    waiting.abort();
  }
}
