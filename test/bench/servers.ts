// The real servers that all apps of a bench share, and the mail server they send to.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../ops/local/postgres';
import { startRedis } from '../../ops/local/redis';
import type { Server } from '../../ops/local/server';
import { startTemporal } from '../../ops/local/temporal';
import { Arrivals } from './arrivals';
import { Program } from './program';

export interface Servers {
  folder: string;
  postgres: Server;
  redis: Server;
  /** The one that runs now. */
  temporal: Server;
  /** host:port, the same for its whole life */
  temporalAddress: string;
  smtp: string;
  mailServer: Program;
  arrivals: Arrivals;
  startTemporalAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** As `npm start` runs it. */
const startYielding: typeof startTemporal = (options) => startTemporal({ ...options, inBackground: true });

export async function startServers(folder: string): Promise<Servers> {
  const running: Server[] = [];
  const start = async (
    launch: (options: { folder: string; port?: number }) => Promise<Server>,
    name: string,
    port?: number,
  ) => {
    const server = await launch({ folder: join(folder, name), ...(port ? { port } : {}) });
    running.push(server);
    return server;
  };
  const stop = async () => {
    await Program.stopAll();
    await Promise.all(running.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const postgres = await start(startPostgres, 'postgres');
    const redis = await start(startRedis, 'redis');
    const temporal = await start(startYielding, 'temporal');
    const { program, port } = await Program.startOwn('smtp-sink', 'smtp-sink.ts', folder);
    const temporalAddress = new URL(temporal.url).host;
    const servers: Servers = {
      folder,
      postgres,
      redis,
      temporal,
      temporalAddress,
      smtp: `smtp://127.0.0.1:${port}`,
      mailServer: program,
      arrivals: new Arrivals(program.child),
      async startTemporalAgain() {
        servers.temporal = await start(startYielding, 'temporal', Number(new URL(temporal.url).port));
      },
      stop,
    };
    return servers;
  } catch (error) {
    await stop();
    throw error;
  }
}
