// What the commands of operators share: how they are called, and how they end.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { z } from 'zod';
import { ConfigurationError } from './runtime/configuration';
import { loadEnvFile } from './runtime/env-file';
import { ObjectStoreError } from './runtime/object-store';

const WRONG_USAGE = 2;

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
    /** That of the command unless given. */
    readonly exitCode?: number,
  ) {
    super(message);
  }
}

export interface Command {
  help: string;
  /** Told with what is wrong with the command line. */
  usage: string;
  /** The exit code where it fails for no reason of its own. */
  failed: number;
  run(args: string[]): Promise<number>;
}

/** Ends the process with the command's exit code. */
export function runCommand(command: Command): void {
  // Whoever read what is printed may go; what runs stays.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  void execute(command, process.argv.slice(2), loadEnvFile).then(exit);
}

/**
 * @param prepare what comes before it, and may throw like it
 * @returns the exit code that `run` gives, or that belongs to what it throws, which is told
 */
export async function execute(
  { help, usage, failed, run }: Command,
  args: string[],
  prepare: () => void = () => {},
): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(help);
    return 0;
  }
  try {
    prepare();
    return await run(args);
  } catch (error) {
    if (error instanceof WrongUsage) {
      console.error(`${error.message}\n${usage}`);
      return WRONG_USAGE;
    }
    const { code, message, exitCode = failed } = toFailure(error);
    console.error(message);
    // Whoever asked for a document gets one.
    if (args.includes('--json')) printDocument({ status: 'failed', problem: { code, message } });
    return exitCode;
  }
}

/** @param what it identifies, with its article: `a restore` */
export function readUuid(given: string, what: string): string {
  if (z.uuid().safeParse(given).success) return given.toLowerCase();
  throw new WrongUsage(`${given} is not the id of ${what}.`);
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
    throw new WrongUsage(`${message.split(/\.(?:\s|$)|\n/)[0]}.`);
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
