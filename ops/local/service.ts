// The API, the worker and the mailbox as Node children. Each ends by itself when the channel to the supervisor breaks.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../runtime/package-root';
import { launch, type Server } from './server';
import type { Supervised } from './supervised';

export interface ServiceOptions {
  name: string;
  url: string;
  /** Below dist/. */
  script: string;
  env: NodeJS.ProcessEnv;
  log: string;
  stopWithinMs: number;
  inBackground?: boolean;
  /** The folder of its release; this one unless given. */
  root?: string;
  onSpawn(pid: number): void;
}

/** Does not wait until it is ready: a service that waits for its database is not to be killed for it. */
export function startService({ script, root = PACKAGE_ROOT, ...options }: ServiceOptions): Promise<Server> {
  return launch({
    ...options,
    cwd: root,
    command: process.execPath,
    args: ['--enable-source-maps', join(root, 'dist', script)],
    ipc: true,
    ready: async () => true,
  });
}

/** Waits for a 200 and gives its text; gives up when the deadline has passed or one of those it needs died. */
export async function untilReady(url: string, services: () => Supervised[], withinMs: number): Promise<string> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) }).then(
      async (response) => ({ ok: response.ok, text: await response.text() }),
      (error: Error) => ({ ok: false, text: error.message }),
    );
    const dead = services().find(({ fault }) => fault !== null);
    if (dead?.fault) throw new Error(dead.fault);
    if (answer.ok) return answer.text;
    if (Date.now() > deadline) throw new Error(`${url} did not become ready: ${answer.text.slice(0, 500)}`);
    await delay(100);
  }
}
