// A server that runs in the foreground as our child: started, waited for, stopped, and its log's end told when it fails.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { yieldProcessor } from '../runtime/priority';
import { rotateUnused } from './log-rotation';

export interface Server {
  name: string;
  url: string;
  pid: number;
  exited: Promise<void>;
  stop(): Promise<void>;
  /** The end of what it has printed since its start. */
  lastLines(): string;
}

export interface LaunchOptions {
  name: string;
  url: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Where its output goes. */
  log: string;
  /** Resolves once it answers; throws, or says false, until then. */
  ready(): Promise<unknown>;
  readyWithinMs?: number;
  stopSignal?: NodeJS.Signals;
  stopWithinMs?: number;
  /** A Node child that ends by itself when the channel to us breaks. */
  ipc?: boolean;
  /** Nobody waits for it: it yields the processor to the others. */
  inBackground?: boolean | undefined;
  /** Told the moment that the process exists. */
  onSpawn?: ((pid: number) => void) | undefined;
}

/** A program that ended or said nothing, with the last lines of its log. */
export class LaunchError extends Error {
  constructor(
    name: string,
    problem: string,
    readonly lastLines: string,
  ) {
    super(`${name} ${problem}${lastLines ? `:\n${lastLines}` : ''}`);
  }
}

export async function launch(options: LaunchOptions): Promise<Server> {
  const { name, url, command, args, log, stopSignal = 'SIGTERM', stopWithinMs = 10_000 } = options;
  const output = openLog(log);
  const began = statSync(log).size;
  const child = spawn(command, args, {
    stdio: ['ignore', output, output, ...(options.ipc ? ['ipc' as const] : [])],
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  closeSync(output);
  const exited = exitOf(child);
  if (child.pid === undefined) {
    await exited;
    throw new LaunchError(name, `could not be started (${command})`, '');
  }
  if (options.inBackground) yieldProcessor(child.pid);
  options.onSpawn?.(child.pid);
  const stop = () => stopChild(child, exited, stopSignal, stopWithinMs);
  const deadline = Date.now() + (options.readyWithinMs ?? 30_000);
  while (!(await isReady(options.ready))) {
    if (hasEnded(child)) throw new LaunchError(name, 'ended while it was starting', lastLines(log, began));
    if (Date.now() > deadline) {
      await stop();
      throw new LaunchError(name, 'did not answer in time', lastLines(log, began));
    }
    await Promise.race([delay(50), exited]);
  }
  // Something else may have answered in its place.
  if (hasEnded(child)) throw new LaunchError(name, 'ended while it was starting', lastLines(log, began));
  return { name, url, pid: child.pid, exited, stop, lastLines: () => lastLines(log, began) };
}

/** Asks, then kills. */
export async function stopChild(
  child: ChildProcess,
  exited: Promise<void>,
  signal: NodeJS.Signals,
  withinMs: number,
): Promise<void> {
  if (hasEnded(child)) return;
  child.kill(signal);
  const killer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await exited;
  clearTimeout(killer);
}

export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

export function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.on('error', () => child.pid === undefined && resolve());
  });
}

export function openLog(log: string): number {
  mkdirSync(dirname(log), { recursive: true });
  rotateUnused(log);
  return openSync(log, 'a', 0o600);
}

/** @param from only what was written since the log had this size */
export function lastLines(log: string, from = 0, count = 15): string {
  const written = readFileSync(log).subarray(from).toString('utf8');
  return written.trimEnd().split('\n').slice(-count).join('\n');
}

async function isReady(ready: () => Promise<unknown>): Promise<boolean> {
  try {
    return (await ready()) !== false;
  } catch {
    return false;
  }
}
