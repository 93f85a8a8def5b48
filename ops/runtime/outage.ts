// Logs when a step that is repeated begins to fail and when it works again, not each attempt, and spaces the attempts. A step
// that keeps failing is noted as a fault.
import { setTimeout as delay } from 'node:timers/promises';
import { noteFault } from './faults';
import type { Logger } from './logging';

export interface OutageOptions {
  logger: Logger;
  level?: 'warn' | 'error';
  /** The event at the first failure. */
  began: string;
  /** The event at the first success after a failure. */
  ended: string;
  /** The wait after the first failure; it doubles with each further one. */
  firstMs: number;
  /** The longest wait. */
  mostMs: number;
}

export interface Outage {
  /** Returns after how many milliseconds to try again. */
  failed(err: unknown): number;
  worked(): void;
}

export function createOutage({ logger, level = 'warn', began, ended, firstMs, mostMs }: OutageOptions): Outage {
  let failures = 0;
  let since = 0;
  return {
    failed(err) {
      if (failures === 0) {
        since = Date.now();
        logger[level]({ err }, began);
      } else logger.debug({ err, failures }, began);
      failures++;
      noteFault({ name: began, error: err, attempts: failures });
      return Math.min(firstMs * 2 ** Math.min(failures - 1, 30), mostMs);
    },
    worked() {
      if (failures > 0) logger.info({ failures, seconds: Math.round((Date.now() - since) / 1000) }, ended);
      failures = 0;
    },
  };
}

/** Repeats what fails until it has succeeded. Returns null if `stopping` came first. */
export async function untilItWorks<T>(
  act: () => Promise<T>,
  options: OutageOptions,
  stopping: AbortSignal,
): Promise<T | null> {
  const outage = createOutage(options);
  while (!stopping.aborted) {
    try {
      const result = await act();
      outage.worked();
      return result;
    } catch (err) {
      await delay(outage.failed(err), undefined, { signal: stopping }).catch(() => {});
    }
  }
  return null;
}
