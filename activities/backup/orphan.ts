// A backup whose worker was killed goes on by itself and holds pgBackRest's lock: it is asked to end.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { PgBackRest } from '../../ops/pgbackrest/pgbackrest';

/** `pctCplt`: hundredths of a percent. */
const Lock = z.object({ execId: z.string(), pid: z.number(), pctCplt: z.number().optional() });

/** Null where there is none, or it is just being written. */
export function readLock({ lockFile }: Pick<PgBackRest, 'lockFile'>): z.infer<typeof Lock> | null {
  try {
    return Lock.parse(JSON.parse(readFileSync(lockFile, 'utf8')));
  } catch {
    return null;
  }
}

const ENDS_WITHIN_MS = 30_000;
const LOOKS_EACH_MS = 100;

/** Where the one that began it was killed, its helpers live on for a while and hold the lock with it. */
export async function endOrphan(pgbackrest: PgBackRest, signal: AbortSignal): Promise<void> {
  const lock = readLock(pgbackrest);
  if (!lock) return;
  for (const deadline = Date.now() + ENDS_WITHIN_MS; Date.now() < deadline; ) {
    const left = processesOf(pgbackrest, lock);
    if (left.length === 0) return;
    for (const pid of left) end(pid);
    await delay(LOOKS_EACH_MS, undefined, { signal });
  }
}

/** By its number and what it runs, since the number may be another program's by now. */
function processesOf({ configFile }: PgBackRest, { pid, execId }: { pid: number; execId: string }): number[] {
  const listed = execFileSync('ps', ['-ww', '-eo', 'pid=,args='], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return listed.split('\n').flatMap((line) => {
    const [, number, command = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    const isOurs = command.includes('pgbackrest') && command.includes(configFile);
    return isOurs && (Number(number) === pid || command.includes(`--exec-id=${execId}`)) ? [Number(number)] : [];
  });
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended meanwhile.
  }
}
