// CPU time and memory of processes, as Linux tells; null elsewhere.
import { readdirSync, readFileSync } from 'node:fs';

/** Of the clock in /proc, the same on every Linux that Node runs on. */
const TICK_MS = 10;

interface Entry {
  parent: number;
  ticks: number;
}

/** CPU time of each process with all that it has started, living or gone, in ms. */
export function cpuTimes(pids: number[]): number[] | null {
  if (process.platform !== 'linux') return null;
  const entries = new Map<number, Entry>();
  for (const name of readdirSync('/proc')) {
    const entry = /^\d+$/.test(name) ? readEntry(Number(name)) : null;
    if (entry) entries.set(Number(name), entry);
  }
  const totals = new Map(pids.map((pid) => [pid, 0]));
  for (const [pid, { ticks }] of entries) {
    const root = ancestors(pid, entries).find((one) => totals.has(one));
    if (root !== undefined) totals.set(root, (totals.get(root) ?? 0) + ticks * TICK_MS);
  }
  return pids.map((pid) => totals.get(pid) ?? 0);
}

function* chain(pid: number, entries: Map<number, Entry>): Generator<number> {
  for (let one: number | undefined = pid; one; one = entries.get(one)?.parent) yield one;
}
const ancestors = (pid: number, entries: Map<number, Entry>) => [...chain(pid, entries)];

function readEntry(pid: number): Entry | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold anything, so the fields are counted from its closing bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number) as [
      number,
      number,
      number,
      number,
    ];
    return { parent: Number(fields[1]), ticks: user + system + childrenUser + childrenSystem };
  } catch {
    return null;
  }
}

/** The most memory that the process itself has held, in MB. */
export function peakMemory(pid: number): number | null {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1024);
  } catch {
    return null;
  }
}
