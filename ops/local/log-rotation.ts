// Keeps the logs of an installation small, while those that write into them go on.
import { copyFileSync, existsSync, readdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** So large a log may become; the one before it is kept beside. */
export const LARGE_LOG = 10_000_000;
const LOOKS_EACH_MS = 10_000;

const before = (log: string) => `${log}.1`;

/** Nobody writes into it yet. */
export function rotateUnused(log: string, most = LARGE_LOG): void {
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > most) renameSync(log, before(log));
}

/**
 * Copies each large log in the folder and empties it: its writers hold it open to append, so they go on at its beginning. What
 * they write between the copy and the cut is lost.
 */
export function rotateInUse(folder: string, most = LARGE_LOG): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const log = join(folder, name);
    if (!name.endsWith('.log') || statSync(log).size <= most) continue;
    copyFileSync(log, before(log));
    truncateSync(log);
  }
}

/** Until this process ends. A disk that is full, for instance, ends nothing. */
export function keepLogsSmall(folder: string): void {
  setInterval(() => {
    try {
      rotateInUse(folder);
    } catch {
      // The next look tries again.
    }
  }, LOOKS_EACH_MS).unref();
}
