// Runs a Node program to its end without blocking this process, whose servers others wait for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Throws, with all that it printed, if it ends with another code than 0. */
export async function runNode(cwd: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
  const ended = await runToEnd(process.execPath, args, { cwd, env });
  if (ended.code !== 0)
    throw new Error(`${args.join(' ')} ended with ${ended.code}:\n${ended.stdout}\n${ended.stderr}`);
  return ended;
}

export async function runToEnd(
  command: string,
  args: string[],
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Ended> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
