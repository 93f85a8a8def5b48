// Who a process is beyond its number, which the system gives to another one some day: the moment that it began.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** @returns null where there is no such process (a zombie counts as none) */
export function processIdentity(pid: number): string | null {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

export function isAlive(pid: number, identity?: string): boolean {
  const now = processIdentity(pid);
  return now !== null && (identity === undefined || now === identity);
}

/** Signals it and waits for its end, then kills it. Who is not the one meant is left alone. */
export async function endProcess(
  pid: number,
  identity: string,
  signal: NodeJS.Signals,
  withinMs: number,
): Promise<void> {
  for (const [attempt, wait] of [
    [signal, withinMs],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!isAlive(pid, identity)) return;
    try {
      process.kill(pid, attempt);
    } catch {
      return;
    }
    const deadline = Date.now() + wait;
    while (isAlive(pid, identity) && Date.now() < deadline) await delay(30);
  }
}

function fromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before may hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
  } catch {
    return null;
  }
}

function fromPs(pid: number): string | null {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const [state = '', ...began] = (stdout ?? '').trim().split(/\s+/);
  return status === 0 && !state.startsWith('Z') ? began.join(' ') : null;
}
