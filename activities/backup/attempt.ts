// One attempt of a step: it beats and tells how far it is, ends when it is asked to, and says in codes why it failed.
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { StepBeat } from '../../workflows/contracts/recovery-progress';
import { toFailure } from './troubles';

const BEATS_EACH_MS = 1_000;
/** A backup that could not be made by then has failed; the next schedule tries again. */
const TRIES_FOR_MS = 2 * 3_600_000;

export interface Attempt {
  /** Aborted when it is to end. */
  signal: AbortSignal;
  show(beat: StepBeat): void;
}

export async function attempt<T>(work: (attempt: Attempt) => Promise<T>): Promise<T> {
  const { info, heartbeat, log, cancellationSignal: signal } = Context.current();
  let shown: StepBeat | undefined;
  const show = (beat: StepBeat) => {
    shown = beat;
  };
  const beats = setInterval(() => heartbeat(shown), BEATS_EACH_MS);
  heartbeat();
  try {
    return await work({ signal, show });
  } catch (error) {
    // An end of this worker is none of the backup: another goes on.
    if (signal.aborted && String(signal.reason?.message) === 'WORKER_SHUTDOWN') {
      throw ApplicationFailure.retryable('This worker ends; another goes on', 'worker_ended');
    }
    signal.throwIfAborted();
    // Its failure says less than the log may.
    log.warn('A step of a backup failed', { error });
    throw toFailure(error, Date.now() - info.scheduledTimestampMs > TRIES_FOR_MS);
  } finally {
    clearInterval(beats);
  }
}
