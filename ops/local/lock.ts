// One supervisor a folder: a file that names its holder, who counts only while it is alive.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive, processIdentity } from './process-identity';

/** @returns its release, or the process that holds it */
export function takeLock(file: string): { release(): void } | { heldBy: number } {
  const mine = JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) });
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, mine, { mode: 0o600 });
  try {
    for (;;) {
      // A link is made whole or not at all.
      if (link(fresh, file)) return { release: () => releaseLock(file, mine) };
      const found = read(file);
      if (found === null) continue;
      const holder = parse(found);
      if (holder && isAlive(holder.pid, holder.identity)) return { heldBy: holder.pid };
      removeStale(file, found);
    }
  } finally {
    rmSync(fresh, { force: true });
  }
}

function releaseLock(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}

/** Two may find it stale at once: what was moved away is put back if it is another's by now. */
function removeStale(file: string, stale: string): void {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (read(aside) !== stale) link(aside, file);
  rmSync(aside, { force: true });
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function parse(text: string): { pid: number; identity: string } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
