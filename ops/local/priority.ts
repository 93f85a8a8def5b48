// Where all share a machine, somebody waits for what the API answers: what carries out behind it yields the processor to it.
import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

const BELOW_NORMAL = constants.priority.PRIORITY_BELOW_NORMAL;

/** @param pid the leader of a session of its own, just begun: its later threads inherit it */
export function yieldProcessor(pid: number): void {
  // It works all the same where the system lets nobody choose.
  attempt(() => setPriority(pid, BELOW_NORMAL));
  // Linux may weigh whole sessions against each other (autogroup); then the priority of a process counts in its own alone.
  attempt(() => writeFileSync(`/proc/${pid}/autogroup`, String(BELOW_NORMAL)));
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {}
}
