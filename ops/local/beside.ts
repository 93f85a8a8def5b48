// A cluster started beside the one that lives, for us alone: on a free port, and without keeping its log anywhere.
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import pg from 'pg';
import { asClusterUser, type ClusterHost } from '../pgbackrest/cluster-host';
import { freePort } from './ports';
import { endLeftoverPostmaster } from './postmaster';
import { launch } from './server';

export interface Beside {
  /** By the password of the cluster that lives, whatever it had itself. */
  url: string;
  stop(): Promise<void>;
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  // Without a command what it finishes waits, and is kept once it lives.
  archive_mode: 'on',
  archive_command: '',
  // A server that nobody reads while it recovers needs none of its primary's settings.
  hot_standby: 'off',
  wal_level: 'replica',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
};
/** In the cluster's folder: where the sockets of its last start are, so that those of one that was killed are found. */
const SOCKETS = 'countersign-sockets';
const PREFIX = 'countersign-beside-';
const BACK_AFTER_RECOVERY_MS = 24 * 3_600_000;

/** Until it has recovered and takes writes. Throws LaunchError with the end of its log. */
export async function startBeside(host: ClusterHost, name: string): Promise<Beside> {
  const data = join(host.home, name);
  await endBeside(data);
  const port = await freePort();
  // Short, since a socket's path may have some hundred characters, and nobody else's.
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(data, SOCKETS), folder);
  const access = join(folder, 'pg_hba.conf');
  writeFileSync(access, 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n', { mode: 0o600 });
  if (host.user) for (const path of [folder, access]) chownSync(path, host.user.uid, host.user.gid);
  const settings = Object.entries({ ...SETTINGS, hba_file: access, unix_socket_directories: folder });
  const forget = () => removeSockets(data);
  try {
    const server = await launch({
      name: 'PostgreSQL beside',
      url: '',
      ...asClusterUser(host, join(host.bin, 'postgres'), [
        ...['-D', data, '-p', String(port)],
        ...settings.flatMap(([setting, value]) => ['-c', `${setting}=${value}`]),
      ]),
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      cwd: '/',
      log: join(host.home, 'beside.log'),
      ready: () => setPassword(host, folder, port),
      readyWithinMs: BACK_AFTER_RECOVERY_MS,
      stopSignal: 'SIGINT',
      stopWithinMs: 60_000,
    });
    const credentials = `${encodeURIComponent(host.role)}:${encodeURIComponent(host.password)}`;
    return {
      url: `postgresql://${credentials}@127.0.0.1:${port}/${encodeURIComponent(host.database)}`,
      stop: () => server.stop().finally(forget),
    };
  } catch (error) {
    forget();
    throw error;
  }
}

/** Whether the last server on this cluster was one of ours that starts beside, and did not clean up. */
export const wasLeftBeside = (data: string): boolean => existsSync(join(data, SOCKETS));

/** What a process that was killed has left running, and its sockets. */
export async function endBeside(data: string): Promise<void> {
  await endLeftoverPostmaster(data);
  removeSockets(data);
}

function removeSockets(data: string): void {
  const noted = join(data, SOCKETS);
  if (!existsSync(noted)) return;
  const folder = readFileSync(noted, 'utf8');
  // The cluster's own user may write there, and does not say what we remove.
  if (folder === join(tmpdir(), basename(folder)) && basename(folder).startsWith(PREFIX)) {
    rmSync(folder, { recursive: true, force: true });
  }
  rmSync(noted);
}

/** A cluster of another machine has the password of that one. */
async function setPassword(host: ClusterHost, folder: string, port: number): Promise<void> {
  const client = new pg.Client({ host: folder, port, user: host.role, database: 'postgres' });
  client.on('error', () => {});
  try {
    await client.connect();
    const role = pg.escapeIdentifier(host.role);
    await client.query(`ALTER ROLE ${role} PASSWORD ${pg.escapeLiteral(host.password)}`);
  } finally {
    await client.end().catch(() => {});
  }
}
