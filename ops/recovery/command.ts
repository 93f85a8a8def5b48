// What the commands of backups and restores share: how they are called, and how they end.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ConfigurationError } from '../runtime/configuration';
import { ObjectStoreError } from '../runtime/object-store';

export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3 } as const;

/** The command line says what can't be done. */
export class WrongUsage extends Error {
  override name = 'WrongUsage';
}

/** The message is all that an operator needs. */
export class CommandFailed extends Error {
  override name = 'CommandFailed';
  constructor(
    readonly code: string,
    message: string,
    readonly exitCode: number = EXIT.failed,
  ) {
    super(message);
  }
}

export interface Command {
  help: string;
  /** Shown with what is wrong with the command line. */
  example: string;
  run(args: string[]): Promise<number>;
}

/** Ends the process with the code that `run` gives, or that belongs to what it throws. */
export function runCommand({ help, example, run }: Command): void {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    console.log(help);
    return;
  }
  // Whoever read what is printed may go; what runs stays.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  run(args).then(exit, (error: unknown) => {
    if (error instanceof WrongUsage) {
      console.error(`${error.message}\nFor example: ${example}`);
      return exit(EXIT.usage);
    }
    const { code, message, exitCode } = toFailure(error);
    console.error(message);
    // Whoever asked for a document gets one.
    if (args.includes('--json')) printDocument({ status: 'failed', problem: { code, message } });
    exit(exitCode);
  });
}

/** At once, whatever is connected, but not before all is written. */
const exit = (code: number) => process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));

export const printDocument = (document: unknown) => console.log(JSON.stringify(document, null, 2));

/** As node:util reads them, strictly, with what is wrong in one sentence. */
export function readOptions<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    if (!String(code).startsWith('ERR_PARSE_ARGS')) throw error;
    throw new WrongUsage(`${message.split(/[.\n]/)[0]}.`);
  }
}

/** Of an unexpected failure its class and code: a message may quote a row, or a URL with a password. */
function toFailure(error: unknown): CommandFailed {
  if (error instanceof CommandFailed) return error;
  if (error instanceof ConfigurationError) return new CommandFailed('configuration', error.message);
  if (error instanceof ObjectStoreError) {
    return new CommandFailed('store_away', `The store under BACKUP_URL can't be read (${error.code}).`);
  }
  const { name, code } = error as Error & { code?: unknown };
  return new CommandFailed('unexpected', `It failed unexpectedly: ${[name, code].filter(Boolean).join(' ')}`);
}
