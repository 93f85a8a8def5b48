// Where a run keeps all that its servers write: in memory where there is plenty, since nothing of it is to outlive the run
// and a shared disk would be waited for.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';

const IN_MEMORY = '/dev/shm';
const PREFIX = 'countersign-test-';
/** Over 2 GB lie there when a run is not half done. */
const ROOM_BYTES = 8 * 2 ** 30;
const FREE_MEMORY_BYTES = 12 * 2 ** 30;
/** Before it files there had no attributes, which the S3 server keeps. */
const KERNEL = [6, 6];

/** @param long a long run may write any amount */
export function makeRunFolder({ long }) {
  if (!long && hasRoom()) {
    const folder = mkdtempSync(join(IN_MEMORY, PREFIX));
    if (runsPrograms(folder)) return folder;
    rmSync(folder, { recursive: true });
  }
  return mkdtempSync(join(tmpdir(), PREFIX));
}

function hasRoom() {
  if (process.platform !== 'linux' || process.env.TMPDIR) return false;
  const [major, minor] = release().split('.').map(Number);
  if (major < KERNEL[0] || (major === KERNEL[0] && minor < KERNEL[1])) return false;
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
    // A container's limit, 0 where there is none.
    const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
    return bavail * bsize >= ROOM_BYTES && Math.min(Number(kilobytes) * 1024, limit) >= FREE_MEMORY_BYTES;
  } catch {
    return false;
  }
}

/** Some mount it so that nothing can be run from there. */
function runsPrograms(folder) {
  const program = join(folder, 'program.sh');
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o700 });
  const { status } = spawnSync(program);
  rmSync(program);
  return status === 0;
}
