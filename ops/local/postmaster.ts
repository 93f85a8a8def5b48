// A server that a killed supervisor left behind still holds its cluster: it is stopped before another starts.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { livingCluster } from './clusters';
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
  if (identity === null || !worksOn(pid, data)) return null;
  return { pid, identity };
}

/** PostgreSQL works in its cluster's folder; the command line may name a link to it. */
function worksOn(pid: number, data: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    return [data, realpathOr(data), pathOfServer(data) ?? data].some((path) => commandLine(pid).includes(path));
  }
}

/** The path with which the cluster's PostgreSQL was started, perhaps a link to it; null if it does not run. */
function pathOfServer(data: string): string | null {
  const file = join(data, 'postmaster.pid');
  return existsSync(file) ? (readFileSync(file, 'utf8').split('\n')[1] ?? null) : null;
}

/** PostgreSQL writes its control file by the path that it was started with: once a restore has moved the link, the old server
 *  would write into the restored cluster. */
export function isStartedByLink(home: string): boolean {
  const path = pathOfServer(livingCluster(home));
  return path !== null && existsSync(path) && lstatSync(path).isSymbolicLink();
}

/** As a sentence's part. */
export const NOT_BY_LINK =
  'PostgreSQL was started by the link `current`: start it from the folder that the link names, `postgres -D "$(readlink -f …/current)"` (docs/backup.md)';

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
