// Undoes what the steps of a process have done, the newest first, if a later one fails.
import { CancellationScope } from '@temporalio/workflow';

export interface Compensation {
  /** Notes before a step how it is undone: a step that failed in the midst may have done a part. */
  add(undo: () => Promise<unknown>): void;
  /** Runs the work. If it throws, undoes what was noted, whoever cancels meanwhile, and throws the same error. */
  orUndo<T>(work: () => Promise<T>): Promise<T>;
}

export function createCompensation(): Compensation {
  const undone: (() => Promise<unknown>)[] = [];
  return {
    add: (undo) => void undone.unshift(undo),
    async orUndo(work) {
      try {
        return await work();
      } catch (error) {
        await CancellationScope.nonCancellable(async () => {
          for (const undo of undone) await undo();
        });
        throw error;
      }
    },
  };
}
