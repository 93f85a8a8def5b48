// Lets the API notice, after a failover, that something it committed is gone.
import { setTimeout as delay } from 'node:timers/promises';
import type { Witness } from '../activities/continuity/witness';

const LOOKS_EACH_MS = 1_000;

/** Looks each second. While the database is away, what was known before stays known. */
export async function keepWitness(witness: Witness, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await witness.look().catch(() => {});
    await delay(LOOKS_EACH_MS, undefined, { signal: stopping }).catch(() => {});
  }
}
