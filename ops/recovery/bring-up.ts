// Brings up the servers that a restore or a rollback needs, for as long as it lasts, if nothing runs here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../runtime/package-root';

export interface BroughtUp {
  end(): Promise<void>;
}

/** Its messages go to stderr. Resolves once Temporal runs, and the worker with the tools or the releases host. */
export async function bringUp(mode: 'restoring' | 'releasing'): Promise<BroughtUp> {
  const child = spawn(process.execPath, [join(PACKAGE_ROOT, 'dist', 'ops', 'local', 'main.js'), `--${mode}`], {
    cwd: PACKAGE_ROOT,
    stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
    // As in ops/start.mjs.
    detached: true,
  });
  const ended = once(child, 'exit');
  const [outcome] = await Promise.race([once(child, 'message'), ended.then(() => ['ended'])]);
  if (outcome !== 'ready') throw new Error('What it needs could not be brought up: see above.');
  return {
    async end() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
