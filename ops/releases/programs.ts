// Runs a program of a release by that release's own code, so that the code that knows a migration or a workflow judges it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ProgramEnd, ReleaseProgram, RunProgram } from './driver';

/** Below a release's folder, and in its image. */
export const PROGRAMS: Record<ReleaseProgram, readonly string[]> = {
  migrate: ['prisma/cli.mjs', 'migrate', 'deploy'],
  'migrate:down': ['dist/ops/migrations/down.js'],
  replay: ['dist/ops/releases/replay.js'],
  'try-api': ['dist/ops/releases/try-api.js'],
};

const MOST_OUTPUT = 4_000_000;
const END_OF_ERRORS = 4_000;

/** Throws if the signal aborts it; the program is then killed. */
export async function runProgramIn(
  folder: string,
  { program, args = [], env = {}, signal }: Omit<RunProgram, 'version'>,
): Promise<ProgramEnd> {
  const child = spawn(process.execPath, [...PROGRAMS[program], ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal ? { signal, killSignal: 'SIGKILL' } : {}),
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.length > MOST_OUTPUT) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-END_OF_ERRORS);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, stdout, stderr };
}
