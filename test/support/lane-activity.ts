// The mail lane's activity as a test plays it: each attempt does what the test says, when it says so.
import { Context } from '@temporalio/activity';
import type { LaneResult } from '../../workflows/contracts/lane';
import { deferred } from './deferred';
import { until } from './until';

export class PlayedAttempt {
  private readonly outcome = deferred<LaneResult>();
  private readonly stopped = deferred<Error | undefined>();
  cancelled = false;

  constructor(readonly number: number) {
    this.outcome.promise.catch(() => {});
  }

  finish(reason: LaneResult['reason']): void {
    this.outcome.resolve({ reason, sent: 0 });
  }
  fail(error: Error): void {
    this.outcome.reject(error);
  }
  /** A cancelled attempt ends only now, as one with open conversations does. @param failure that it ends with, if it was just failing */
  stop(failure?: Error): void {
    this.stopped.resolve(failure);
  }

  async run(): Promise<LaneResult> {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), 100);
    try {
      return await Promise.race([this.outcome.promise, context.cancelled]);
    } catch (error) {
      if (context.cancellationSignal.aborted) {
        this.cancelled = true;
        throw (await this.stopped.promise) ?? error;
      }
      throw error;
    } finally {
      clearInterval(beat);
    }
  }
}

export class PlayedLane {
  readonly attempts: PlayedAttempt[] = [];
  private running = 0;
  /** The most attempts that ever ran at once. */
  together = 0;

  readonly activities = {
    deliverMail: async (): Promise<LaneResult> => {
      const attempt = new PlayedAttempt(Context.current().info.attempt);
      this.attempts.push(attempt);
      this.running += 1;
      this.together = Math.max(this.together, this.running);
      try {
        return await attempt.run();
      } finally {
        this.running -= 1;
      }
    },
  };

  /** The nth attempt, once it runs. */
  attempt(n: number): Promise<PlayedAttempt> {
    return until(`attempt ${n} of the lane runs`, () => this.attempts[n - 1]);
  }
}
