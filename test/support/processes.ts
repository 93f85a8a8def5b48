// Real processes of the built service, started, killed, frozen and thawed by tests.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENV_FILE } from '../../ops/runtime/env-file';
import { noteEnd, noteStart } from './leftovers.cjs';
import { testServers } from './servers';

export type Environment = Record<string, string>;

export class ServiceProcess {
  private constructor(
    readonly name: string,
    readonly child: ChildProcess,
    readonly logFile: string,
    private readonly ended: Promise<unknown>,
  ) {}

  /** @param script under dist/, for instance `worker/main.js` */
  static start(name: string, script: string, environment: Environment): ServiceProcess {
    const { folder } = testServers();
    const logFile = join(folder, `${name}-${randomUUID()}.log`);
    // It can be read from now on; the stream opens it later.
    writeFileSync(logFile, '');
    const log = createWriteStream(logFile, { flags: 'a' });
    const child = spawn(process.execPath, [join(__dirname, '..', '..', 'dist', script)], {
      env: {
        PATH: process.env.PATH ?? '',
        HOME: process.env.HOME ?? '',
        NODE_ENV: 'production',
        [ENV_FILE]: '',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { pid } = child;
    if (pid !== undefined) noteStart(folder, pid);
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    const ended = once(child, 'close').then(() => {
      log.end();
      if (pid !== undefined) noteEnd(folder, pid);
    });
    return new ServiceProcess(name, child, logFile, ended);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} did not start: ${this.log}`);
    return this.child.pid;
  }
  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
  /** Everything it has printed. */
  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  freeze(): void {
    this.child.kill('SIGSTOP');
  }
  thaw(): void {
    this.child.kill('SIGCONT');
  }
  async kill(): Promise<void> {
    if (this.running) this.child.kill('SIGKILL');
    await this.ended;
  }
  /** Asks for an orderly end and gives the exit code. */
  async stop(): Promise<number | null> {
    if (this.running) this.child.kill('SIGTERM');
    await this.ended;
    return this.child.exitCode;
  }
}
