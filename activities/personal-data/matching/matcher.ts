// Asks the thread that searches content, within limits of time and memory. The thread starts with the first question.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PACKAGE_ROOT } from '../../../ops/runtime/package-root';
import type { TextValue } from '../text-values';
import type { Call, Methods } from './thread';

/** Searching is linear, and one question has about a MiB: what takes longer has met a fault, and the thread ends. */
const ANSWERS_WITHIN_MS = 120_000;
/** Characters of one question, or one value if that is longer. */
const MOST_AT_ONCE = 1024 * 1024;
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
}

export function createMatcher({ answersWithinMs = ANSWERS_WITHIN_MS } = {}): Matcher {
  let thread: Worker | null = null;
  let calls = 0;
  let limit: NodeJS.Timeout | undefined;
  /** The thread answers them in this order. */
  const waiting = new Map<number, Waiting>();

  function start(): Worker {
    const started = new Worker(THREAD, { resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB } });
    started.on('message', ({ id, answer, failure }: { id: number; answer: unknown; failure?: string }) => {
      const asked = waiting.get(id);
      if (!asked) return;
      settle(id);
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

  function settle(id: number): void {
    waiting.delete(id);
    limitNext();
    if (waiting.size === 0) thread?.unref();
  }

  /** A question's time begins when those before it are answered: nobody pays for the content of others. */
  function limitNext(): void {
    clearTimeout(limit);
    const asked = thread;
    if (asked && waiting.size > 0) limit = setTimeout(() => fail(asked, 'it took too long'), answersWithinMs);
  }

  /** The next question starts another thread. */
  function fail(failed: Worker, why: string): void {
    if (thread !== failed) return;
    thread = null;
    for (const [id, asked] of [...waiting]) {
      settle(id);
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
        waiting.set(id, { resolve, reject });
        if (waiting.size === 1) limitNext();
        asked.ref();
        asked.postMessage({ id, method, args } satisfies Call);
      });

  /** Many values in several questions, so that their number costs neither the limit nor the memory of one. */
  const askInParts =
    (method: Method) =>
    async (values: readonly unknown[], ...more: unknown[]) => {
      const answers: unknown[] = [];
      for (const part of partsOf(values)) answers.push(...((await ask(method)(part, ...more)) as unknown[]));
      return answers;
    };

  const whole: Method[] = ['addressesInBytes', 'openScan', 'scanWindow', 'closeScan'];
  const inParts: Method[] = ['addressesOf', 'hashesOf', 'without', 'areMentioned'];
  return {
    ...(Object.fromEntries([
      ...whole.map((method) => [method, ask(method)]),
      ...inParts.map((method) => [method, askInParts(method)]),
    ]) as Omit<Matcher, 'close'>),
    async close() {
      const last = thread;
      if (!last) return;
      fail(last, 'the matcher was closed');
      await last.terminate();
    },
  };
}

function* partsOf(values: readonly unknown[]): Iterable<unknown[]> {
  let [part, size]: [unknown[], number] = [[], 0];
  for (const value of values) {
    const { length } = typeof value === 'string' ? value : (value as TextValue).value;
    if (part.length > 0 && size + length > MOST_AT_ONCE) {
      yield part;
      [part, size] = [[], 0];
    }
    part.push(value);
    size += length;
  }
  if (part.length > 0) yield part;
}
