// Where all share a machine, somebody waits for what the API answers: what carries out behind it yields the processor to it.
import { constants, getPriority, setPriority } from 'node:os';

export const YIELDING = constants.priority.PRIORITY_BELOW_NORMAL;

/** @param pid by default this process; the threads that it makes from here on inherit it */
export function yieldProcessor(pid = process.pid): void {
  try {
    setPriority(pid, Math.max(getPriority(pid), YIELDING));
  } catch {
    // It works all the same where the system lets nobody choose.
  }
}
