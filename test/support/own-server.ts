// A server of a test's own, to be killed and started again where it was.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { startPostgres } from '../../ops/local/postgres';
import { startRedis } from '../../ops/local/redis';
import type { Server } from '../../ops/local/server';
import { startTemporal } from '../../ops/local/temporal';
import { newFolder } from './environment';
import { noteEnd, noteStart } from './leftovers.cjs';
import { nameMigrated, seedCluster } from './seed-cluster';
import { testServers } from './servers';

type Start = (options: { folder: string; port?: number }) => Promise<Server>;

export class OwnServer {
  private constructor(
    private readonly launch: Start,
    readonly folder: string,
    private server: Server,
  ) {}

  /** @param prepare its folder, before it is started for the first time */
  static async start(launch: Start, name: string, prepare?: (folder: string) => void): Promise<OwnServer> {
    const folder = newFolder(name);
    prepare?.(folder);
    const server = await launch({ folder });
    noteStart(testServers().folder, server.pid);
    return new OwnServer(launch, folder, server);
  }

  get url(): string {
    return this.server.url;
  }
  /** host:port */
  get address(): string {
    return new URL(this.server.url).host;
  }

  async kill(): Promise<void> {
    process.kill(this.server.pid, 'SIGKILL');
    await this.server.exited;
    noteEnd(testServers().folder, this.server.pid);
  }
  /** With its children, as a machine that hangs does it. */
  freeze(): void {
    this.signal('SIGSTOP');
  }
  thaw(): void {
    this.signal('SIGCONT');
  }
  private signal(signal: NodeJS.Signals): void {
    const children = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([, parent]) => parent === this.server.pid)
      .map(([pid]) => pid as number);
    for (const pid of [this.server.pid, ...children]) process.kill(pid, signal);
  }

  /** After a kill or a stop, at the same address. */
  async startAgain(): Promise<void> {
    this.server = await this.launch({ folder: this.folder, port: Number(new URL(this.server.url).port) });
    noteStart(testServers().folder, this.server.pid);
  }
  async stop(): Promise<void> {
    await this.server.stop();
    noteEnd(testServers().folder, this.server.pid);
  }
}

export const startOwnRedis = () => OwnServer.start(startRedis, 'own-redis');
export const startOwnTemporal = () => OwnServer.start(startTemporal, 'own-temporal');

/** With one migrated database, whose URL is given. */
export async function startOwnPostgres(): Promise<{ server: OwnServer; databaseUrl: string }> {
  const server = await OwnServer.start(startPostgres, 'own-postgres', seedCluster);
  const name = `own_${randomBytes(4).toString('hex')}`;
  return { server, databaseUrl: await nameMigrated(server.url, name) };
}
