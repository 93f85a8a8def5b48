// A host of a test's own that can back up and restore: a cluster whose log is archived by pgBackRest, migrated, and a place
// for its backups.
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { findPgBackRest } from '../../ops/local/binaries/pgbackrest';
import { findPostgres } from '../../ops/local/binaries/postgres';
import { livingCluster, pointTo } from '../../ops/local/clusters';
import { ensureDatabase } from '../../ops/local/database';
import { freePort } from '../../ops/local/ports';
import { keepPassword, type PostgresOptions, startPostgres } from '../../ops/local/postgres';
import { findPostmaster } from '../../ops/local/postmaster';
import { Supervised } from '../../ops/local/supervised';
import { unprivilegedUser } from '../../ops/local/unprivileged-user';
import { asClusterUser } from '../../ops/pgbackrest/cluster-host';
import { archiveCommand } from '../../ops/pgbackrest/pgbackrest';
import { findRecoveryTools, type RecoveryTools } from '../../ops/recovery/tools';
import { readConfiguration } from '../../ops/runtime/configuration';
import { onServer } from './database';
import { newFolder, testEnvironment } from './environment';
import { noteStart } from './leftovers.cjs';
import { OwnServer } from './own-server';
import type { Environment } from './processes';
import { nameMigrated, seedCluster } from './seed-cluster';
import { testServers } from './servers';

export interface RecoveryHost {
  server: OwnServer;
  environment: Environment;
  tools: RecoveryTools;
}

export interface HostOptions {
  /** What stands in place of the archive command, asked at each start of PostgreSQL. */
  archive?: (command: string) => string;
  migrated?: boolean;
}

/** @param given for instance BACKUP_URL and AWS_* of an S3 server */
export async function startRecoveryHost(
  given: Partial<Environment> = {},
  { archive = (command) => command, migrated = true }: HostOptions = {},
): Promise<RecoveryHost> {
  const program = await pgBackRest();
  const server = await OwnServer.start((options) => startArchiving(program, options, archive), 'cluster', seedCluster);
  return { server, ...(await describeHost(server.folder, server.url, given, migrated)) };
}

export interface SupervisedHost extends Omit<RecoveryHost, 'server'> {
  /** POSTGRES_HOME. */
  folder: string;
  postgres: Supervised;
  /** Of the postmaster that runs now. */
  pid(): number;
}

/** Whose PostgreSQL is started again whenever it ends, from the cluster that lives then, as `npm start` does it. */
export async function startSupervisedHost(given: Partial<Environment> = {}): Promise<SupervisedHost> {
  const program = await pgBackRest();
  const folder = newFolder('cluster');
  seedCluster(folder);
  const port = await freePort();
  let pid = 0;
  const postgres = await Supervised.run(
    () =>
      startArchiving(program, {
        folder,
        port,
        onSpawn(started) {
          pid = started;
          noteStart(testServers().folder, started);
        },
      }),
    () => {},
  );
  return { folder, postgres, pid: () => pid, ...(await describeHost(folder, postgres.url, given)) };
}

export interface OwnHost extends Omit<RecoveryHost, 'server'> {
  folder: string;
  /** What POSTGRES_START may be there. */
  startCommand: string;
  /** Waits until PostgreSQL answers, or has ended. @param byLink as docs/backup.md forbids */
  control(action: 'start' | 'stop', byLink?: boolean): void;
}

/** Where an operator starts PostgreSQL, from the folder that `current` names, and nobody starts it again. */
export async function startOwnHost(given: Partial<Environment> = {}): Promise<OwnHost> {
  const program = await pgBackRest();
  const folder = newFolder('own-host');
  seedCluster(folder);
  chmodSync(folder, 0o711);
  pointTo(folder, 'data');
  const port = await freePort();
  const settings = Object.entries({
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    wal_level: 'replica',
    archive_mode: 'on',
    archive_timeout: 60,
    archive_command: archiveCommand(program, folder),
  });
  const lines = settings.map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`);
  appendFileSync(join(folder, 'data', 'postgresql.conf'), lines.join(''));
  const { bin } = await findPostgres(null);
  const user = await unprivilegedUser([join(bin, 'postgres'), folder]);
  const link = join(folder, 'current');
  const log = join(folder, 'data', 'server.log');
  const control: OwnHost['control'] = (action, byLink = false) => {
    const data = byLink ? link : livingCluster(folder);
    const { command, args, ...ids } = asClusterUser({ user }, join(bin, 'pg_ctl'), [
      '-D',
      data,
      '-w',
      '-l',
      log,
      action,
    ]);
    execFileSync(command, args, { ...ids, cwd: '/', stdio: 'ignore' });
    if (action === 'start') noteStart(testServers().folder, findPostmaster(livingCluster(folder))?.pid ?? 0);
  };
  control('start');
  const as = user ? `setpriv --reuid=${user.uid} --regid=${user.gid} --clear-groups ` : '';
  const startCommand = `${as}${bin}/pg_ctl -D "$(readlink -f ${link})" -w -l ${log} start >/dev/null`;
  const url = `postgresql://postgres:${keepPassword(folder)}@127.0.0.1:${port}`;
  return { folder, startCommand, control, ...(await describeHost(folder, url, given)) };
}

async function pgBackRest(): Promise<string> {
  const program = await findPgBackRest();
  if (!program) throw new Error('pgBackRest is not installed');
  return program;
}

function startArchiving(program: string, options: PostgresOptions, archive = (command: string) => command) {
  // Passed through by the cluster's own user.
  chmodSync(options.folder, 0o711);
  return startPostgres({ ...options, archiveCommand: archive(archiveCommand(program, options.folder)) });
}

async function describeHost(folder: string, serverUrl: string, given: Partial<Environment>, migrated = true) {
  if (!migrated) await onServer(serverUrl, `DROP DATABASE ${testServers().template}`);
  const databaseUrl = await (migrated ? nameMigrated : ensureDatabase)(serverUrl);
  const environment = await testEnvironment({
    DATABASE_URL: databaseUrl,
    TEMPORAL_NAMESPACE: 'default',
    SMTP_URL: 'smtp://127.0.0.1:1',
    BACKUP_URL: `file://${newFolder('backup')}`,
    BACKUP_PASSPHRASE: 'a passphrase for the backups of the tests',
    POSTGRES_HOME: folder,
    ...(given as Environment),
  });
  // pgBackRest reads the same AWS_* variables that the SDK reads.
  Object.assign(process.env, Object.fromEntries(Object.entries(given).filter(([name]) => name.startsWith('AWS_'))));
  const found = await findRecoveryTools(readConfiguration(environment));
  if (!found.tools) throw new Error(found.missing);
  return { environment, tools: found.tools };
}
