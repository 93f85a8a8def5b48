// Runs one program of a first start: its progress is shown, its output only when it fails, as one message with the remedy.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { showProgress } from './progress.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const DENIED = /\b(EACCES|EROFS|EPERM)\b|permission denied|read-only file system/i;

/** A failure whose message is all that a user needs. */
export class StepFailed extends Error {}

export async function runStep({ what, usualSeconds, command, args, env = {}, remedy }) {
  const end = showProgress(what, usualSeconds);
  const { code, output } = await runToEnd(command, args, { ...process.env, ...env });
  end(code !== 0);
  if (code === 0) return;
  const known = fullDisk(output) ?? unwritable(output);
  throw new StepFailed(`${what} failed. ${known ?? `${remedy}\n${output.trim().split('\n').slice(-20).join('\n')}`}`);
}

/** A message for whatever was thrown. */
export function tellFailure(error) {
  if (error instanceof StepFailed) return error.message;
  const text = `${error.code} ${error.message}`;
  return fullDisk(text) ?? unwritable(text) ?? error.stack;
}

function fullDisk(text) {
  return /ENOSPC|no space left/i.test(text) ? 'The disk is full: free about 2 GB, then try again.' : null;
}

function unwritable(text) {
  const lines = text.split('\n').filter((line) => DENIED.test(line));
  if (lines.length === 0) return null;
  // Of all that npm says, this names the file.
  const longest = lines.reduce((one, other) => (other.length > one.length ? other : one));
  return `This user may not write what it has to: give it the right to, or clone to a folder of its own.\n${longest.trim()}`;
}

/** Ends with this process, whatever ends it in order, and at once: npm would undo its work for half a minute. */
function runToEnd(command, args, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const stop = () => {
      killGroup(child);
      child.once('exit', () => process.exit(1));
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, stop);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-20_000);
      });
    }
    const finish = (code, extra = '') => {
      for (const signal of signals) process.off(signal, stop);
      resolve({ code, output: output + extra });
    };
    child.once('error', (error) => finish(1, `${error.code}: ${error.message}`));
    child.once('close', (code) => finish(code ?? 1));
  });
}

/** The compiler's command is a process of its own. */
function killGroup(child) {
  for (const pid of [-child.pid, child.pid]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}
