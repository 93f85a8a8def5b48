// What the tools of the audit trail share: how they end, and how they show that they work.
import { ConfigurationError } from '../runtime/configuration';

export const EXIT = { done: 0, broken: 1, usage: 2, unchecked: 3 } as const;

/** The command line says what cannot be done. */
export class WrongUsage extends Error {}

/** Ends the process with the code that `act` gives, or that belongs to what it throws. */
export function runCommand(help: string, act: (args: string[]) => Promise<number>): void {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(help);
    return;
  }
  act(args).then(
    (code) => {
      process.exitCode = code;
    },
    (error: Error & { code?: string }) => {
      const isUsage = error instanceof WrongUsage || String(error.code).startsWith('ERR_PARSE_ARGS');
      const isKnown = isUsage || error instanceof ConfigurationError;
      console.error(isUsage ? `${error.message}\n\n${help}` : isKnown ? error.message : tell(error));
      process.exitCode = isUsage ? EXIT.usage : EXIT.unchecked;
    },
  );
}

/** Of an unexpected failure its class and code: a message may quote a row, or a URL with a password. */
const tell = ({ name, code, message }: Error & { code?: string }) =>
  ['AnchorsUnavailable', 'UnreadableExport'].includes(name)
    ? `Could not check: ${message}`
    : `Could not check: ${[name, code].filter(Boolean).join(' ')}`;

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
