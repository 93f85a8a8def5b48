// Redis on loopback, its data kept in a folder by an append-only file.
import { chmodSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findRedis, type OnProgress } from './binaries/redis';
import { freePort } from './ports';
import { launch, type Server } from './server';

export interface RedisOptions {
  folder: string;
  port?: number;
  log?: string;
  onProgress?: OnProgress;
  onSpawn?: (pid: number) => void;
}

export async function startRedis(options: RedisOptions): Promise<Server> {
  const server = await startRedisWherePossible(options);
  if (!server) throw new Error('redis-server is not installed: install Redis, or set REDIS_URL');
  return server;
}

/** @returns null where there is no redis-server and none can be installed */
export async function startRedisWherePossible(options: RedisOptions): Promise<Server | null> {
  const command = await findRedis(options.onProgress);
  if (!command) return null;
  const { folder } = options;
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  const port = options.port || (await freePort());
  return launch({
    name: 'Redis',
    url: `redis://127.0.0.1:${port}`,
    command,
    args: [
      '--port',
      port,
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--appendonly',
      'yes',
      '--save',
      '',
      '--daemonize',
      'no',
    ].map(String),
    log: options.log ?? join(folder, 'server.log'),
    ready: () => ping(port),
    onSpawn: options.onSpawn,
  });
}

/** While it loads its file it answers LOADING. */
function ping(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString().startsWith('+PONG'));
    });
  });
}
