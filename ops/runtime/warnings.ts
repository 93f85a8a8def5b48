// Logs what Node.js warns of as a log line, since its own text on standard error would break a log of JSON lines.
import { describeError, type Logger } from './logging';

/** Replaces Node's own printing. The message is left out: a library may put anything into it. */
export function logWarnings(logger: Logger): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    logger.warn({ warning: describeError(warning) }, 'Node.js warned of something');
  });
}
