// Logs that the circuit breaker of a service opens and closes: one line each, with the code, from whichever worker sees it.
import type { Logger } from '../ops/runtime/logging';
import { SERVICES } from '../workflows/contracts/services';

const isKnown = (service: string) => (SERVICES as readonly string[]).includes(service);

export function logOpened(logger: Logger, service: string, code: string): void {
  if (isKnown(service)) logger.warn({ service, code }, 'Circuit breaker opened');
}

/** @param seconds for how long it was open */
export function logClosed(logger: Logger, service: string, seconds: number): void {
  if (isKnown(service)) logger.info({ service, seconds }, 'Circuit breaker closed');
}
