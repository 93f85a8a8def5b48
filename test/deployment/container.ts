// A container that runs, by runc.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { noteEnd, noteStart } from '../support/leftovers.cjs';
import { testServers } from '../support/servers';
import { until } from '../support/until';

const run = promisify(execFile);

export class Container {
  output = '';
  private readonly child: ChildProcess;
  /** Its exit code. */
  readonly ended: Promise<number | null>;

  constructor(
    private readonly id: string,
    bundle: string,
  ) {
    const pidFile = join(bundle, 'pid');
    const options = ['--bundle', bundle, '--pid-file', pidFile];
    this.child = spawn('runc', ['run', ...options, id], { stdio: ['ignore', 'pipe', 'pipe'] });
    // Its process outlives runc, so it is noted for the end of the test run, which kills what is left.
    const readPid = () => existsSync(pidFile) && Number(readFileSync(pidFile, 'utf8'));
    const { folder } = testServers();
    const pid = until('the container starts', readPid, 30_000).catch(() => 0);
    void pid.then((running) => running > 0 && noteStart(folder, running));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk) => {
        this.output += chunk;
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.once('close', async (code) => {
        noteEnd(folder, await pid);
        resolve(code);
      });
    });
  }

  /** Runs a command beside what runs there. Rejects if it fails. */
  async execute(...command: string[]): Promise<string> {
    const { stdout } = await run('runc', ['exec', this.id, ...command]);
    return stdout;
  }

  /** Asks it to end, as Kubernetes does, and gives its exit code. */
  async stop(): Promise<number | null> {
    await run('runc', ['kill', this.id, 'TERM']);
    return this.ended;
  }

  async remove(): Promise<void> {
    await run('runc', ['delete', '--force', this.id]).catch(() => {});
    await this.ended;
  }
}
