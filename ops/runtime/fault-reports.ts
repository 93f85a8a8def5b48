// Decides which faults become error events: one event for each issue and process, an hour apart while the fault lasts.
import { causeOf } from './fault-causes';
import { type Fault, REPORTED_AT_ATTEMPT } from './faults';

/** Longer than the longest pause between two attempts at anything. After it a fault is over, and the next is a new one. */
const OVER_AFTER_MS = 15 * 60_000;
const REPEATS_EACH_MS = 3_600_000;
const COUNTS_EACH_MS = 1_000;

interface Known {
  failures: number;
  countedAt: number;
  reportedAt: number | null;
}

export interface FaultReport extends Fault {
  /** What its issue is named and grouped by. */
  issue: string;
}

/** @param report is called for what becomes an event */
export function createFaultReports(report: (fault: FaultReport) => void, now: () => number = Date.now) {
  // As many entries as the code has names for faults.
  const known = new Map<string, Known>();
  return (fault: Fault): void => {
    const issue = causeOf(fault.error) ?? fault.name;
    const at = now();
    let entry = known.get(issue);
    if (!entry || at - entry.countedAt > OVER_AFTER_MS) entry = { failures: 0, countedAt: 0, reportedAt: null };
    known.set(issue, entry);
    if (at - entry.countedAt >= COUNTS_EACH_MS) Object.assign(entry, { failures: entry.failures + 1, countedAt: at });
    const { attempts = entry.failures } = fault;
    if (attempts !== 'permanent' && attempts < REPORTED_AT_ATTEMPT) return;
    if (entry.reportedAt !== null && at - entry.reportedAt < REPEATS_EACH_MS) return;
    entry.reportedAt = at;
    report({ ...fault, issue });
  };
}
