// A cluster started beside the one that lives, for us alone: on a free port, and without keeping its log anywhere.
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { asClusterUser, type ClusterHost } from '../pgbackrest/cluster-host';
import { withClient } from './database';
import { ensureRole, giveDatabaseTo, grantRights } from './owner';
import { freePort } from './ports';
import { keptPassword, SUPERUSER } from './postgres';
import { endLeftoverPostmaster } from './postmaster';
import { launch } from './server';

export interface Beside {
  /** By the password of the cluster that lives, whatever it had itself. */
  url: string;
  /** A superuser's, over a socket that is ours alone. */
  superuserUrl: string;
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
/** invalid_authorization_specification */
const NO_SUCH_ROLE = '28000';
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
  let superuser = '';
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
      ready: async () => {
        superuser = await letIn(host, { host: folder, port });
      },
      readyWithinMs: BACK_AFTER_RECOVERY_MS,
      stopSignal: 'SIGINT',
      stopWithinMs: 60_000,
    });
    const credentials = `${encodeURIComponent(host.role)}:${encodeURIComponent(host.password)}`;
    const database = encodeURIComponent(host.database);
    return {
      url: `postgresql://${credentials}@127.0.0.1:${port}/${database}`,
      superuserUrl: `postgresql://${encodeURIComponent(superuser)}@localhost:${port}/${database}?host=${encodeURIComponent(folder)}`,
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

interface Socket {
  host: string;
  port: number;
}

/** Lets our role in: a cluster of another machine has that one's password, or no such role at all. @returns a superuser */
async function letIn(host: ClusterHost, socket: Socket): Promise<string> {
  const superuser = await findSuperuser(host, socket);
  const isNew = await withClient({ ...socket, user: superuser, database: 'postgres' }, async (client) => {
    const isMissing = await ensureRole(client, host.role, host.password);
    const kept = keptPassword(host.home);
    if (kept !== null) await ensureRole(client, SUPERUSER, kept);
    if (isMissing) await grantRights(client, host.role);
    return isMissing;
  });
  if (!isNew) return superuser;
  await withClient({ ...socket, user: superuser, database: host.database }, async (client) => {
    await giveDatabaseTo(client, host.role);
    await grantRights(client, host.role);
  });
  return superuser;
}

/** Any role that is there may ask; only which of them are there is not known. */
async function findSuperuser({ role }: ClusterHost, socket: Socket): Promise<string> {
  let refused: unknown;
  for (const user of new Set([role, 'postgres', userInfo().username])) {
    const found = await withClient({ ...socket, user, database: 'postgres' }, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        'SELECT rolname AS name FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY oid LIMIT 1',
      );
      return rows[0]?.name;
    }).catch((error: { code?: string }) => {
      if (error.code !== NO_SUCH_ROLE) throw error;
      refused = error;
    });
    if (found) return found;
  }
  throw refused ?? new Error('No superuser of the restored database may log in');
}
