// PostgreSQL's shutdown while the place of its archive is away.
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { livingCluster } from '../../ops/local/clusters';
import { type RecoveryHost, startRecoveryHost } from '../support/recovery-host';
import { until } from '../support/until';

const STOPS_WITHIN_MS = 29_000;

let silent: Server;
let host: RecoveryHost | undefined;
const sockets = new Set<Socket>();
beforeAll(async () => {
  silent = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent?.close();
});

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('ends within half a minute while S3 accepts connections and never answers', async () => {
  host = await startRecoveryHost(
    {
      BACKUP_URL: 's3://backup/test',
      AWS_ENDPOINT_URL_S3: `https://localhost:${(silent.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
    { migrated: false },
  );
  const client = new pg.Client({ connectionString: host.environment.DATABASE_URL as string });
  await client.connect();
  await client.query("SELECT pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()");
  await client.end();
  await until('pgBackRest waits for an answer', () => sockets.size > 0);
  const pid = Number(readFileSync(join(livingCluster(host.server.folder), 'postmaster.pid'), 'utf8').split('\n')[0]);
  const began = Date.now();
  process.kill(pid, 'SIGINT');
  await until('PostgreSQL has ended', () => !isAlive(pid) || Date.now() - began > STOPS_WITHIN_MS);
  const took = Date.now() - began;
  // For what is left of it, if it is still there.
  await host.server.stop();
  expect(took).toBeLessThan(STOPS_WITHIN_MS);
});
