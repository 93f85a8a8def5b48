// What the tools of the audit trail share: what they end with, and how they show that they work.
import { CommandFailed, WrongUsage } from '../command';
import { ConfigurationError } from '../runtime/configuration';

export const EXIT = { done: 0, broken: 1, unchecked: 3 } as const;

const IN_WORDS = ['AnchorsUnavailable', 'UnreadableExport'];

/** Of what was not expected its class and code: a message may quote a row, or a URL with a password. */
export async function unlessUnchecked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if ([WrongUsage, ConfigurationError, CommandFailed].some((known) => error instanceof known)) throw error;
    const { name, code, message } = error as Error & { code?: string };
    const reason = IN_WORDS.includes(name) ? message : [name, code].filter(Boolean).join(' ');
    throw new CommandFailed('unchecked', `Could not check: ${reason}`);
  }
}

const TELLS_EACH_MS = 1_000;

/** On a terminal, or into a log: what has been done so far, once a second, beside the result. */
export function createProgress(what: string): (done: number) => void {
  let told = Date.now();
  return (done) => {
    if (Date.now() - told < TELLS_EACH_MS) return;
    told = Date.now();
    process.stderr.write(`· ${what}: ${done} events\n`);
  };
}
