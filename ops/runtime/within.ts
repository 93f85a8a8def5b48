// Bounds how long somebody waits for a result.
import { setTimeout as delay } from 'node:timers/promises';

export class TookTooLong extends Error {
  override name = 'TookTooLong';
}

/** Resolves or rejects as `result` does; rejects with TookTooLong after `ms`. The work behind `result` goes on. */
export async function within<T>(ms: number, result: Promise<T>): Promise<T> {
  const waiting = new AbortController();
  const timeOut = delay(ms, undefined, { signal: waiting.signal }).then(() => {
    throw new TookTooLong(`There was no result within ${ms} ms`);
  });
  try {
    return await Promise.race([result, timeOut]);
  } finally {
    waiting.abort();
    timeOut.catch(() => {});
  }
}
