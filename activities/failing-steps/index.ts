// Records which steps of processes fail, so that nobody has to search Temporal for them (docs/operations.md).
import { CancelledFailure, type Info } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from '../../ops/runtime/logging';
import { within } from '../../ops/runtime/within';
import type { Database } from '../../prisma/client';
import { logClosed, logOpened } from '../breaker-log';
import { blame } from './blame';
import { recordAttempt, recordFailure, removeStep } from './records';
import { isWaitingForLock, type Step } from './step';

/** A database that is away must not hold up the step that says so. */
const WITHIN_MS = 1_000;
/** A local step is tried again within milliseconds; a race that it lost is no trouble. */
const LOCAL_FROM_ATTEMPT = 3;
/** A process whose step has failed as often as it may comes back within this time, or does without it (workflows/exclusively.ts). */
const COMES_BACK_SECONDS = 600;
const LONGEST_MS = 365 * 86_400_000;

export type AttemptInfo = Pick<Info, 'attempt' | 'retryPolicy' | 'scheduledTimestampMs' | 'scheduleToCloseTimeoutMs'>;

export function createFailingSteps({ db, logger }: { db: Database; logger: Logger }) {
  const record = <T>(act: Promise<T>) =>
    within(WITHIN_MS, act).catch((err) => {
      logger.debug({ err }, 'A failing step could not be recorded');
      return null;
    });

  return {
    async began(step: Step, { attempt }: AttemptInfo): Promise<void> {
      if (attempt > 1 && !step.isLocal) await record(recordAttempt(db, step, attempt));
    },

    async failed(step: Step, error: unknown, info: AttemptInfo): Promise<void> {
      const { service, code } = blame(error, step.step);
      const isEarly = step.isLocal && info.attempt < LOCAL_FROM_ATTEMPT;
      if (isEarly || error instanceof CancelledFailure || isWaitingForLock(code)) return;
      if (error instanceof ApplicationFailure && error.nonRetryable) return this.ended(step);
      const opened = await record(recordFailure(db, { ...step, service, code, ...timesOf(error, info) }));
      if (opened) logOpened(logger, service, code);
    },

    async succeeded(step: Step, { attempt }: AttemptInfo): Promise<void> {
      // A local step is of the hot path.
      if (!step.isLocal || attempt >= LOCAL_FROM_ATTEMPT) await this.ended(step);
    },

    /** Nobody waits for it any more. */
    async ended(step: Pick<Step, 'workflowId' | 'step'>): Promise<void> {
      const closed = await record(removeStep(db, step));
      if (closed) logClosed(logger, closed.service, closed.seconds);
    },
  };
}

export type FailingSteps = ReturnType<typeof createFailingSteps>;

function timesOf(
  error: unknown,
  { attempt, retryPolicy, scheduledTimestampMs, scheduleToCloseTimeoutMs }: AttemptInfo,
) {
  const { initialInterval = 1_000, backoffCoefficient = 2, maximumInterval, maximumAttempts = 0 } = retryPolicy ?? {};
  if (maximumAttempts > 0 && attempt >= maximumAttempts) {
    return { attempt, nextInSeconds: null, givesUpInSeconds: COMES_BACK_SECONDS };
  }
  const first = Number(initialInterval);
  const backoff = Math.min(first * backoffCoefficient ** (attempt - 1), Number(maximumInterval ?? first * 100));
  const wished = error instanceof ApplicationFailure ? error.nextRetryDelay : undefined;
  const isBounded = scheduleToCloseTimeoutMs > 0 && scheduleToCloseTimeoutMs < LONGEST_MS;
  return {
    attempt,
    nextInSeconds: (typeof wished === 'number' ? wished : backoff) / 1000,
    givesUpInSeconds: isBounded ? (scheduledTimestampMs + scheduleToCloseTimeoutMs - Date.now()) / 1000 : null,
  };
}
