// Asks the thread that searches content, within limits of time and memory. The thread starts with the first question.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PACKAGE_ROOT } from '../../../ops/runtime/package-root';
import type { Call, Methods } from './thread';

/** Searching is linear: what takes longer has met a fault, and the thread ends. */
const ANSWERS_WITHIN_MS = 120_000;
const MEMORY_MB = 512;
const THREAD = join(PACKAGE_ROOT, 'dist', 'activities', 'personal-data', 'matching', 'thread.js');

type Method = keyof Methods;
export type Matcher = { [M in Method]: (...args: Parameters<Methods[M]>) => Promise<ReturnType<Methods[M]>> } & {
  close(): Promise<void>;
};

export class MatchingFailed extends Error {
  override name = 'MatchingFailed';
  readonly code = 'matching_failed';
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  limit: NodeJS.Timeout;
}

export function createMatcher(): Matcher {
  let thread: Worker | null = null;
  let calls = 0;
  const waiting = new Map<number, Waiting>();

  function start(): Worker {
    const started = new Worker(THREAD, { resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB } });
    started.on('message', ({ id, answer, failure }: { id: number; answer: unknown; failure?: string }) => {
      const asked = waiting.get(id);
      if (!asked) return;
      settle(id, asked);
      if (failure === undefined) asked.resolve(answer);
      else asked.reject(new MatchingFailed(`The content could not be searched: ${failure}`));
    });
    started.on('error', (error) =>
      fail(started, `its thread failed: ${(error as { code?: string }).code ?? error.name}`),
    );
    started.on('exit', () => fail(started, 'its thread ended'));
    // It keeps no process alive unless somebody waits for it.
    started.unref();
    return started;
  }

  function settle(id: number, { limit }: Waiting): void {
    clearTimeout(limit);
    waiting.delete(id);
    if (waiting.size === 0) thread?.unref();
  }

  /** The next question starts another thread. */
  function fail(failed: Worker, why: string): void {
    if (thread !== failed) return;
    thread = null;
    for (const [id, asked] of [...waiting]) {
      settle(id, asked);
      asked.reject(new MatchingFailed(`The content could not be searched: ${why}`));
    }
    failed.terminate().catch(() => {});
  }

  const ask =
    (method: Method) =>
    (...args: unknown[]) =>
      new Promise<unknown>((resolve, reject) => {
        const asked = thread ?? start();
        thread = asked;
        const id = ++calls;
        const limit = setTimeout(() => fail(asked, 'it took too long'), ANSWERS_WITHIN_MS);
        waiting.set(id, { resolve, reject, limit });
        asked.ref();
        asked.postMessage({ id, method, args } satisfies Call);
      });

  const methods: Method[] = [
    'addressesOf',
    'hashesOf',
    'without',
    'areMentioned',
    'addressesInBytes',
    'openScan',
    'scanWindow',
    'closeScan',
  ];
  return {
    ...(Object.fromEntries(methods.map((method) => [method, ask(method)])) as Omit<Matcher, 'close'>),
    async close() {
      const last = thread;
      thread = null;
      await last?.terminate();
    },
  };
}
