// Writes structured logs without personal data: ids, codes and numbers; cuts off what may hold more.
import { type Logger as Pino, pino } from 'pino';
import { createLogDestination } from './log-destination';

export type Logger = Pino;

const NAME = /^[\w.-]{1,64}$/;
/** A line of a stack ends with a place; a message that looks like one seldom does. */
const FRAME = /^ {4}at .+:\d+:\d+\)?$/;
const DEEPEST_CAUSE = 4;

/** Keeps of an error what cannot hold an address or content: its class, its code and where it was thrown. */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, code, stack = '', message, cause } = error as Error & { code?: unknown };
  const told = stack.indexOf(message);
  const frames = stack.slice(told < 0 ? 0 : told + message.length).split('\n');
  return {
    type: NAME.test(name) ? name : 'Error',
    ...(typeof code === 'number' || (typeof code === 'string' && NAME.test(code)) ? { code } : {}),
    at: frames
      .filter((line) => FRAME.test(line))
      .slice(0, 8)
      .map((line) => line.trim()),
    ...(cause && depth < DEEPEST_CAUSE ? { cause: describeError(cause, depth + 1) } : {}),
  };
}

export function createLogger(process: string, level = 'info'): Logger {
  const destination = createLogDestination(1, (dropped) =>
    logger.error({ dropped }, 'Log lines were dropped because the log could not be written'),
  );
  const options = {
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => describeError(error) },
  };
  const logger: Logger = pino(options, destination);
  return logger;
}
