// An installation of a test's own: a copy of this folder, started as an operator starts it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../ops/local/ports';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { noteEnd, noteStart } from '../support/leftovers.cjs';
import { testServers } from '../support/servers';
import { until } from '../support/until';
import { endBeforeRemoval, ownFolder } from './folder';

const LEFT_OUT = ['.git', '.countersign', 'node_modules', 'test', 'docs'];

export class OwnInstallation {
  readonly folder = join(ownFolder(), 'clone');
  private running: ChildProcess | null = null;
  /** What it has printed since its last start. */
  said = '';

  private constructor(readonly env: NodeJS.ProcessEnv) {
    for (const name of readdirSync(PACKAGE_ROOT)) {
      if (!LEFT_OUT.includes(name)) cpSync(join(PACKAGE_ROOT, name), join(this.folder, name), { recursive: true });
    }
    symlinkSync(join(PACKAGE_ROOT, 'node_modules'), join(this.folder, 'node_modules'));
    endBeforeRemoval(() => this.stop());
  }

  static async start(): Promise<OwnInstallation> {
    const { PATH, HOME } = process.env;
    const [PORT, WORKER_METRICS_PORT] = [String(await freePort()), String(await freePort())];
    const env = { PATH, HOME, PORT, WORKER_METRICS_PORT, MAIL_FROM: 'outbox@countersign.example' };
    const installation = new OwnInstallation(env);
    await installation.start();
    return installation;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, ['ops/start.mjs'], {
      cwd: this.folder,
      env: this.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      this.said += text;
    });
    noteStart(testServers().folder, child.pid as number);
    this.running = child;
    await until('it is ready', () => this.said.includes('npm run demo') || null).catch((error: Error) => {
      throw new Error(`${error.message}:\n${this.said}\n${this.logs()}`);
    });
  }

  async stop(): Promise<void> {
    const { running } = this;
    if (!running) return;
    if (running.exitCode === null && running.signalCode === null) {
      running.kill('SIGTERM');
      await once(running, 'exit');
    }
    noteEnd(testServers().folder, running.pid as number);
    this.running = null;
  }

  /** @returns its standard output. Throws, with all that it printed, if it ends with another code than this one */
  run(command: string, { input = '', code = 0 } = {}): string {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
      cwd: this.folder,
      env: this.env,
      input,
      encoding: 'utf8',
    });
    if (status !== code) throw new Error(`${command} ended with ${status}:\n${stdout}\n${stderr}`);
    return stdout;
  }

  demo = () => this.run('node ops/demo.mjs');

  /** The ends of its logs. */
  private logs(): string {
    const folder = join(this.folder, '.countersign', 'logs');
    if (!existsSync(folder)) return '';
    return readdirSync(folder)
      .map((name) => `${name}:\n${readFileSync(join(folder, name), 'utf8').slice(-2_000)}`)
      .join('\n');
  }

  /** A document below `.countersign/`. */
  read = (name: string): Record<string, string> =>
    JSON.parse(readFileSync(join(this.folder, '.countersign', name), 'utf8'));
}
