// A process of the bench: its output in a file, ended with the bench.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

export class Program {
  private static readonly all = new Set<Program>();
  private readonly ended: Promise<unknown>;

  private constructor(
    readonly name: string,
    readonly child: ChildProcess,
    private readonly logFile: string,
  ) {
    Program.all.add(this);
    this.ended = once(child, 'close').then(() => Program.all.delete(this));
  }

  /** @param args of Node, from the root of the repository */
  static start(name: string, args: string[], folder: string, env: Record<string, string> = {}): Program {
    const logFile = join(folder, `${name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', NODE_ENV: 'production', ...env },
      stdio: ['ignore', log, log, 'ipc'],
    });
    return new Program(name, child, logFile);
  }

  /** One of the bench's own, written in TypeScript, which says where it listens once it does. */
  static async startOwn(name: string, script: string, folder: string, env: Record<string, string> = {}) {
    const program = Program.start(name, ['--require', 'tsx/cjs', join('test/bench', script)], folder, env);
    const { port } = await program.message<{ port: number }>();
    return { program, port };
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }
  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Sends a task to one of the bench's own and gives its answer. */
  ask<T>(task: object): Promise<T> {
    const answer = this.message<T>();
    this.child.send(task);
    return answer;
  }

  private async message<T>(): Promise<T> {
    const first = once(this.child, 'message').then(([message]) => message as T);
    const end = this.ended.then(() => Promise.reject(this.failure()));
    first.catch(() => {});
    end.catch(() => {});
    return Promise.race([first, end]);
  }

  failure(): Error {
    return new Error(`${this.name} ended:\n${readFileSync(this.logFile, 'utf8').slice(-4_000)}`);
  }

  async stop(): Promise<void> {
    if (this.running) this.child.kill('SIGTERM');
    const force = setTimeout(() => this.child.kill('SIGKILL'), 40_000);
    await this.ended;
    clearTimeout(force);
  }

  static async stopAll(): Promise<void> {
    await Promise.all([...Program.all].map((program) => program.stop()));
  }
}
