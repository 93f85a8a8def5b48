// A server that a killed supervisor left behind still holds its cluster: it is stopped before another starts.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, processIdentity } from './process-identity';

export async function endLeftoverPostmaster(data: string): Promise<void> {
  const found = findPostmaster(data);
  if (found) await endProcess(found.pid, found.identity, 'SIGINT', 10_000);
}

/** Null where no server works on this cluster. */
export function findPostmaster(data: string): { pid: number; identity: string } | null {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return null;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  const identity = Number.isInteger(pid) && pid > 1 ? processIdentity(pid) : null;
  // The number may belong to another program by now; PostgreSQL itself sees to a file that is merely stale.
  if (identity === null || !commandLine(pid).includes(realpathOr(data))) return null;
  return { pid, identity };
}

function commandLine(pid: number): string {
  const proc = `/proc/${pid}/cmdline`;
  if (existsSync(proc)) return readFileSync(proc, 'utf8').split('\0').join(' ');
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
