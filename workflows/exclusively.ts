// Work that excludes all other work of its kind (workflows/operations.ts).
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  isCancellation,
  proxyActivities,
  sleep,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { OperationsActivities } from '../activities/operations';
import type { ExclusiveProcess } from './contracts/operations';
import { GIVES_WAY_MS, OPERATIONS_LOCK, OPERATIONS_LOCK_IN_AN_EMERGENCY } from './profiles';
import { isRefusal } from './recovery-progress';

const lock = proxyActivities<OperationsActivities>(OPERATIONS_LOCK);
const emergency = proxyActivities<OperationsActivities>(OPERATIONS_LOCK_IN_AN_EMERGENCY);

export interface Ways {
  /** Whoever holds it of these is cancelled, and waited for until it has ended. */
  cancels?: ExclusiveProcess[];
  /** Holders of these are not waited for: the work goes on without the lock. */
  besides?: ExclusiveProcess[];
  /** Refuses (`operations_busy`) if another holds it, instead of waiting. */
  noWait?: boolean;
  /** Goes on without the lock if no worker answers for it: then none carries out the others' work either. */
  emergency?: boolean;
}

/**
 * Waits for the lock, works, and gives it back. Work that continues as new keeps it: its next run acquires it again at once.
 */
export async function exclusively<T>(
  process: ExclusiveProcess,
  work: () => Promise<T>,
  { emergency: isEmergency = false, ...ways }: Ways = {},
): Promise<T> {
  const claim = { process, firstRunId: workflowInfo().firstExecutionRunId };
  const { acquireOperations, releaseOperations } = isEmergency ? emergency : lock;
  const orElse = (error: unknown) => {
    if (!isEmergency || isRefusal(error) || isCancellation(error)) throw error;
  };
  let keeps = false;
  try {
    await acquireOperations({ ...claim, ...ways }).catch(orElse);
    return await work();
  } catch (error) {
    keeps = error instanceof ContinueAsNew;
    throw error;
  } finally {
    if (!keeps) await CancellationScope.nonCancellable(() => releaseOperations(claim).catch(orElse));
  }
}

/**
 * The same for work that is tried until it is done. Where a step has failed as often as its profile bears, others have their
 * turn, and it begins again after a while: no backup waits days for somebody else's store that is away, and no restore for
 * the database that it is to bring back.
 */
export async function exclusivelyInTurns<T>(process: ExclusiveProcess, turn: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await exclusively(process, turn);
    } catch (error) {
      if (!isWorn(error)) throw error;
    }
    await sleep(GIVES_WAY_MS);
  }
}

/** A step has failed as often as its profile bears: neither cancelled nor for good. A local one's failure comes as it is. */
export function isWorn(error: unknown): boolean {
  const failure = error instanceof ActivityFailure ? error.cause : error;
  const isForGood = failure instanceof ApplicationFailure && failure.nonRetryable;
  return failure instanceof TemporalFailure && !isCancellation(failure) && !isForGood;
}
