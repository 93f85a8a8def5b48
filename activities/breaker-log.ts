// Logs that the circuit breaker of a service opens and closes: one line each, with the code, from whichever worker sees it.
import type { Logger } from '../ops/runtime/logging';
import { isService } from '../workflows/contracts/services';

export function logOpened(logger: Logger, service: string, code: string): void {
  if (isService(service)) logger.warn({ service, code }, 'Circuit breaker opened');
}

/** @param seconds for how long it was open */
export function logClosed(logger: Logger, service: string, seconds: number): void {
  if (isService(service)) logger.info({ service, seconds }, 'Circuit breaker closed');
}
