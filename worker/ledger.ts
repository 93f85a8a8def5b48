// Before anything is sent: whoever has been erased stays erased, whatever a restore brought back.
import { setTimeout as delay } from 'node:timers/promises';
import { type ReplayDependencies, replayLedger } from '../activities/erasure-ledger/replay';

const TRIES_AGAIN_MS = 2_000;

/** Until the ledger has been carried out, or `stopping`. */
export async function carryOutLedger(dependencies: ReplayDependencies, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    try {
      await replayLedger(dependencies);
      return;
    } catch (err) {
      dependencies.logger.error({ err }, 'The erasure ledger could not be carried out; nothing is sent before it is');
      await delay(TRIES_AGAIN_MS, undefined, { signal: stopping }).catch(() => {});
    }
  }
}
