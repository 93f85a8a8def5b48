// Repeats a write that nobody else could make, until the database takes it.
import { setTimeout as delay } from 'node:timers/promises';
import { RECORD_WITHIN_MS } from './time-limits';

const AGAIN_MS = 500;

/** @param ending no longer than that */
export async function untilDone<T>(act: () => Promise<T>, ending?: AbortSignal): Promise<T> {
  const deadline = performance.now() + RECORD_WITHIN_MS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > deadline || ending?.aborted) throw error;
      await delay(AGAIN_MS);
    }
  }
}
