// PostgreSQL on loopback, its cluster kept in a folder: made at the first start, recovered after a kill, ready for an
// archive. Only TCP, with a password of its own: a socket's path could be too long, and its folder is everybody's.
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { findPostgres, type PostgresBinaries } from './binaries/postgres';
import { type OnProgress, run } from './binaries/programs';
import { livingCluster } from './clusters';
import { freePort } from './ports';
import { endLeftoverPostmaster } from './postmaster';
import { LaunchError, launch, type Server } from './server';
import { type UnprivilegedUser, unprivilegedUser } from './unprivileged-user';

export interface PostgresOptions {
  folder: string;
  port?: number;
  log?: string;
  onProgress?: OnProgress;
  onSpawn?: (pid: number) => void;
  /** The command that keeps a finished segment of the log; without it nothing is kept. */
  archiveCommand?: string | undefined;
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  wal_level: 'replica',
  synchronous_commit: 'on',
  max_connections: '120',
  log_min_messages: 'warning',
  // A statement holds what people wrote.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};
/** What is committed is kept within a minute. */
const archiving = (command: string | undefined) => ({
  archive_mode: 'on',
  archive_command: command ?? '/bin/true',
  ...(command ? { archive_timeout: '60' } : {}),
});
const LOOPBACK_ONLY = 'host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n';
/** Processes of a killed server hold its memory for a moment. */
const STILL_THERE = /pre-existing shared memory block|lock file ".*" already exists/;
const RETRY_FOR_MS = 15_000;

export async function startPostgres(options: PostgresOptions): Promise<Server> {
  const { folder } = options;
  mkdirSync(folder, { recursive: true });
  const data = livingCluster(folder);
  const version = join(data, 'PG_VERSION');
  const major = existsSync(version) ? Number.parseInt(readFileSync(version, 'utf8'), 10) : null;
  const binaries = await findPostgres(major, options.onProgress);
  const user = await unprivilegedUser([join(binaries.bin, 'postgres'), folder]);
  const password = keepPassword(folder);
  if (major === null) await createCluster(binaries, user, folder, data, password);
  await endLeftoverPostmaster(data);
  const port = options.port || (await freePort());
  const url = `postgresql://postgres:${password}@127.0.0.1:${port}`;
  const deadline = Date.now() + RETRY_FOR_MS;
  for (;;) {
    try {
      return await startCluster(binaries, user, data, port, url, options);
    } catch (error) {
      if (!(error instanceof LaunchError) || !STILL_THERE.test(error.lastLines) || Date.now() > deadline) throw error;
      await delay(300);
    }
  }
}

function startCluster(
  { bin }: PostgresBinaries,
  user: UnprivilegedUser | null,
  data: string,
  port: number,
  url: string,
  { folder, log, onSpawn, archiveCommand }: PostgresOptions,
): Promise<Server> {
  const settings = Object.entries({ ...SETTINGS, ...archiving(archiveCommand) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  return launch({
    name: 'PostgreSQL',
    url,
    ...as(user, join(bin, 'postgres'), ['-D', data, '-p', String(port), ...settings]),
    env: environment(),
    cwd: '/',
    log: log ?? join(folder, 'server.log'),
    ready: () => connects(`${url}/postgres`),
    // After a crash it first replays its log.
    readyWithinMs: 120_000,
    // Fast: ends connections, keeps what was committed.
    stopSignal: 'SIGINT',
    // With its archive away it stops after 22 s (endedByShutdown).
    stopWithinMs: 30_000,
    onSpawn,
  });
}

/** Made beside and renamed, so that a cluster that is there is whole. */
async function createCluster(
  { bin }: PostgresBinaries,
  user: UnprivilegedUser | null,
  folder: string,
  data: string,
  password: string,
): Promise<void> {
  const fresh = `${data}.new`;
  const passwordFile = join(folder, 'password.new');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) for (const path of [fresh, passwordFile]) chownSync(path, user.uid, user.gid);
  const locale = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8';
  const { command, args, ...ids } = as(user, join(bin, 'initdb'), [
    ...['-D', fresh, '-U', 'postgres', '--encoding=UTF8', `--locale=${locale}`, '--data-checksums'],
    ...['--auth=scram-sha-256', `--pwfile=${passwordFile}`],
  ]);
  try {
    await run(command, args, { ...ids, env: environment(), cwd: '/' });
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`The database could not be made:\n${(error as Error).message}`, { cause: error });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  writeFileSync(join(fresh, 'pg_hba.conf'), LOOPBACK_ONLY);
  renameSync(fresh, data);
}

function as(user: UnprivilegedUser | null, program: string, args: string[]) {
  return user ? user.command(program, args) : { command: program, args };
}

/** Nothing of ours: no secret, no locale of the user's. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8', TZ: 'UTC' };
}

/** Who starts and makes the clusters of `npm start`. */
export const SUPERUSER = 'postgres';

/** Returns the superuser's password of the clusters below this folder; null if `npm start` does not keep them. */
export function keptPassword(folder: string): string | null {
  const file = join(folder, 'password');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}

/** Of the clusters below this folder; made where there is none. */
export function keepPassword(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'password');
  if (!existsSync(file)) {
    writeFileSync(`${file}.tmp`, randomBytes(24).toString('base64url'), { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  }
  chmodSync(file, 0o600);
  return readFileSync(file, 'utf8').trim();
}

async function connects(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
  } finally {
    await client.end().catch(() => {});
  }
}
