// A command of operators in the test's own process: what it would print, and its exit code.
import { format } from 'node:util';
import { type Command, execute } from '../../ops/command';

export interface CommandRun {
  code: number;
  output: string;
  errors: string;
}

/** @param env what the command finds in its environment */
export async function runHere(command: Command, args: string[], env: Record<string, string>): Promise<CommandRun> {
  const run: CommandRun = { code: -1, output: '', errors: '' };
  const log = jest.spyOn(console, 'log').mockImplementation((...words) => {
    run.output += `${format(...words)}\n`;
  });
  const error = jest.spyOn(console, 'error').mockImplementation((...words) => {
    run.errors += `${format(...words)}\n`;
  });
  const stderr = jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    run.errors += text;
    return true;
  });
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  try {
    run.code = await execute(command, args);
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    log.mockRestore();
    error.mockRestore();
    stderr.mockRestore();
  }
  return run;
}
