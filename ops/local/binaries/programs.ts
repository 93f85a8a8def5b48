// Finding programs, running them to their end, and the user's cache of those that were downloaded or built.
import { type ChildProcess, execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** What is being done, and how many seconds it usually takes. Null: it is done. */
export type Progress = { what: string; usualSeconds: number } | null;
export type OnProgress = (progress: Progress) => void;

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export function onPath(program: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder && isProgram(join(folder, program))) return join(folder, program);
  }
  return null;
}

export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'countersign');
}

const running = new Set<ChildProcess>();

/** Ends what `run` is waiting for. */
export function endRunning(): void {
  for (const child of running) child.kill();
}

/** Runs a program to its end; throws with the last lines it printed. */
export async function run(
  command: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; uid?: number; gid?: number; timeout?: number } = {},
): Promise<string> {
  const work = promisify(execFile)(command, args, { maxBuffer: 64_000_000, ...options });
  running.add(work.child);
  try {
    return (await work).stdout;
  } catch (error) {
    const { stderr = '', stdout = '', message } = error as { stderr?: string; stdout?: string; message: string };
    const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-12).join('\n');
    throw new Error(said || message, { cause: error });
  } finally {
    running.delete(work.child);
  }
}

/** Tells the progress of a long piece of work from its begin to its end. */
export async function tell<T>(
  onProgress: OnProgress | undefined,
  what: string,
  usualSeconds: number,
  work: () => Promise<T>,
): Promise<T> {
  onProgress?.({ what, usualSeconds });
  try {
    return await work();
  } finally {
    onProgress?.(null);
  }
}
