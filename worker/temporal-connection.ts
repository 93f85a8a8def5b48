// Connects a worker to Temporal, as often as it takes, and logs why it has to wait.
import { setTimeout as delay } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from '../ops/runtime/logging';
import { openClientOf, type TemporalSettings } from '../ops/runtime/temporal';
import { pingTemporal, troubleOf } from '../ops/runtime/trouble';

const TRIES_AGAIN_MS = 1_000;
/** A server that accepts the connection and says nothing makes the SDK wait without an end. */
const SILENT_AFTER_MS = 10_000;
const ASKS_WITHIN_MS = 5_000;

/** Returns null if `stopping` came first. */
export async function connectToTemporal(
  settings: TemporalSettings,
  logger: Logger,
  stopping: AbortSignal,
): Promise<NativeConnection | null> {
  let told: string | null = null;
  const tell = (trouble: string, err?: unknown) => {
    if (trouble !== told) logger.warn({ trouble, err }, 'Temporal unavailable; it is tried again');
    told = trouble;
  };
  while (!stopping.aborted) {
    const silent = setTimeout(() => tell('no answer'), SILENT_AFTER_MS);
    try {
      return await NativeConnection.connect(
        settings.connectionOptions as Parameters<typeof NativeConnection.connect>[0],
      );
    } catch (err) {
      tell((await askWhy(settings)) ?? 'unavailable', err);
      await delay(TRIES_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
    } finally {
      clearTimeout(silent);
    }
  }
  return null;
}

/** Asks by the client, whose errors have codes: the words are then those of the probes. */
async function askWhy(settings: TemporalSettings): Promise<string | null> {
  const client = openClientOf(settings);
  try {
    return await troubleOf(() => pingTemporal(client, ASKS_WITHIN_MS), ASKS_WITHIN_MS);
  } finally {
    await client.connection.close();
  }
}
