// Re-applies past erasures before anything is sent, because a restore can bring erased people back.
import { type ReplayDependencies, replayLedger } from '../activities/erasure-ledger/replay';
import { untilItWorks } from '../ops/runtime/outage';

const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;

/** Returns once the ledger has been carried out, or at `stopping`. The store at BACKUP_URL may be away for long. */
export async function carryOutLedger(dependencies: ReplayDependencies, stopping: AbortSignal): Promise<void> {
  const outage = {
    logger: dependencies.logger,
    level: 'error' as const,
    began: 'The erasure ledger could not be carried out; nothing is sent before it is',
    ended: 'The erasure ledger is carried out',
    firstMs: FIRST_RETRY_MS,
    mostMs: LONGEST_RETRY_MS,
  };
  await untilItWorks(() => replayLedger(dependencies), outage, stopping);
}
