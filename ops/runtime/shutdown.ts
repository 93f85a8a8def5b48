// How a process ends: asked once, it finishes what it has begun, in order; asked twice, it ends at once.
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from './logging';
import { onStarterGone } from './starter';

const CLOSES_WITHIN_MS = 4_000;

/** Returns how long work may go on, so that the process has closed everything and ended within `drainSeconds`. */
export const workMs = (drainSeconds: number): number =>
  Math.max(drainSeconds * 1000 - CLOSES_WITHIN_MS, drainSeconds * 500);

export interface ShutdownSteps {
  logger: Logger;
  /** The process has ended by then. */
  drainSeconds: number;
  /** At once: whoever asks is told that this process takes no more work. */
  refuse(): void;
  /** Resolves when all that was accepted is done. After `workMs` nobody waits any longer. */
  drain(): Promise<void>;
  /** What drains too slowly is cut off. */
  cutOff?(): void;
  /** In this order; one that fails does not keep the others from closing. */
  close: (() => Promise<unknown> | unknown)[];
}

/** Acts on SIGTERM, SIGINT and, where a supervisor started us, the end of its channel. */
export function shutDownOnSignal(steps: ShutdownSteps, exit: (code: number) => void = process.exit): void {
  let asked = false;
  const onSignal = () => {
    if (asked) return exit(1);
    asked = true;
    void shutDown(steps).then(() => exit(0));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  onStarterGone(() => asked || onSignal());
}

export async function shutDown({ logger, drainSeconds, ...steps }: ShutdownSteps): Promise<void> {
  logger.info('Shutting down gracefully...');
  steps.refuse();
  logger.info(`Draining in-flight requests (${drainSeconds}s timeout)`);
  const failed = (err: unknown) => logger.error({ err }, 'A step of the shutdown failed');
  if (!(await endsWithin(workMs(drainSeconds), () => steps.drain().catch(failed)))) {
    logger.warn('Not everything was done in time; the rest is cut off');
    steps.cutOff?.();
  }
  logger.info('Closing database connections...');
  const closed = await endsWithin(CLOSES_WITHIN_MS, async () => {
    for (const close of steps.close) await Promise.resolve().then(close).catch(failed);
  });
  if (!closed) logger.warn('Not everything could be closed in time');
  logger.info('Shutdown complete');
}

async function endsWithin(ms: number, act: () => Promise<void>): Promise<boolean> {
  const waiting = new AbortController();
  const timeOut = delay(ms, false, { signal: waiting.signal }).catch(() => false);
  const ended = await Promise.race([act().then(() => true), timeOut]);
  waiting.abort();
  return ended;
}

/** What nobody caught ends the process, told without what its message may hold. */
export function endOnCrash(
  logger: Logger,
  report: (error: unknown) => Promise<unknown>,
  exit: (code: number) => void = process.exit,
): void {
  const end = (err: unknown) => {
    logger.fatal({ err }, 'Something was not caught');
    void report(err).then(
      () => exit(1),
      () => exit(1),
    );
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
