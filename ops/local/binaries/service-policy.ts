// Keeps Debian from starting a service with its package: ours are started by us, in the foreground. A start removes the file
// that an installation which was killed has left, or the machine would start no service of any package any more.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive, processIdentity } from '../process-identity';

const POLICY = '/usr/sbin/policy-rc.d';
/** test/support/system-packages.mjs, which runs before a build, writes the same without the moment at which its process began. */
const MARK =
  /^#!\/bin\/sh\n# Written by Countersign \(process (\d+)(?: of (\S+))?\) while it installs a package\.\nexit 101\n$/;

const contentOf = (pid: number) =>
  `#!/bin/sh\n# Written by Countersign (process ${pid} of ${processIdentity(pid)}) while it installs a package.\nexit 101\n`;

/** Somebody's own file stays, and so does its word. Throws if the file can't be written for another reason. */
export function refuseServices(path = POLICY): { end(): void } {
  try {
    writeFileSync(path, contentOf(process.pid), { mode: 0o755, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { end() {} };
  }
  return { end: () => rmSync(path, { force: true }) };
}

/** Removes the file if its content says that it is ours and its process has ended. Only root can, and only root has written it. */
export function removeLeftPolicy(path = POLICY): void {
  if (process.getuid?.() !== 0) return;
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch {
    return;
  }
  const [, pid, identity] = MARK.exec(content) ?? [];
  if (pid && !isAlive(Number(pid), identity)) rmSync(path, { force: true });
}
