// Runs a lane as an activity: heartbeats while an attempt works, and hands to the next one what this one could not give back.
import { Context } from '@temporalio/activity';
import type { LaneResult } from '../../workflows/contracts/lane';
import { createAttempt, type LaneDependencies } from './attempt';
import type { Unsettled } from './claims';
import type { Lane } from './lane';

const HEARTBEATS_EACH_MS = 500;

/** @param prepare before the first claim of this process; it is repeated until it has succeeded once */
export function createLaneActivity(
  dependencies: LaneDependencies,
  lane: Lane,
  prepare: () => Promise<unknown> = async () => {},
) {
  const left: { unsettled: Unsettled | null } = { unsettled: null };
  let isPrepared = false;

  /** Works for a minute, or waits ten for an item, then returns so that its history stays small. */
  return async function runLane(): Promise<LaneResult> {
    const context = Context.current();
    const { runId = '' } = context.info.workflowExecution ?? {};
    const ending = AbortSignal.any([context.cancellationSignal, dependencies.stopping]);
    const heartbeat = setInterval(() => context.heartbeat(), HEARTBEATS_EACH_MS);
    try {
      if (!isPrepared) await prepare();
      isPrepared = true;
      const result = await createAttempt(dependencies, lane, runId, left, ending)();
      if (context.cancellationSignal.aborted) await context.cancelled;
      return result;
    } finally {
      clearInterval(heartbeat);
    }
  };
}
