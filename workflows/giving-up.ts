// Lets an operator give a deployment or rollback up, as long as it can be undone.
import { ApplicationFailure, CancellationScope, isCancellation, setHandler } from '@temporalio/workflow';
import { ABORTED } from './contracts/recovery-progress';
import { abort } from './contracts/releases';

export interface GivingUp {
  /** Throws, once the signal has come, the failure that says so in place of the cancellation. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** From then on the signal is ignored. */
  end(): void;
  hasEnded(): boolean;
}

export function handleGivingUp(): GivingUp {
  const scope = new CancellationScope();
  let isAborted = false;
  let hasEnded = false;
  setHandler(abort, () => {
    if (hasEnded) return;
    isAborted = true;
    scope.cancel();
  });
  return {
    async run(work) {
      try {
        return await scope.run(work);
      } catch (error) {
        throw isAborted && isCancellation(error) ? givenUp() : error;
      }
    },
    end() {
      hasEnded = true;
    },
    hasEnded: () => hasEnded,
  };
}

export const givenUp = () =>
  ApplicationFailure.nonRetryable('It was given up, and the release before it serves as before.', ABORTED);
