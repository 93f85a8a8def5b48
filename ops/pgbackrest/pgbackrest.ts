// Runs pgBackRest as the clusters' own user: its configuration, which holds every secret, its end, and what its exit code says.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { livingCluster } from '../local/clusters';
import { asClusterUser, type ClusterHost } from './cluster-host';
import { REPOSITORY, type RepositoryOptions, STANZA } from './repository';

/** Exit codes that mean something to us. */
export const EXIT = {
  locked: 50,
  terminated: 63,
  noBackup: 75,
  logNotArchived: 82,
  checksum: 29,
  repositoryMissing: 55,
  crypto: 95,
} as const;

export class PgBackRestError extends Error {
  override name = 'PgBackRestError';
  constructor(
    readonly exitCode: number | null,
    command: string,
    /** What it said: paths and labels, no secrets. */
    readonly said: string,
  ) {
    super(`pgbackrest ${command} ended with ${exitCode ?? 'a signal'}${said ? `: ${said}` : ''}`);
  }
}

export interface RunOptions {
  signal?: AbortSignal | undefined;
  /** Beyond what the configuration says, for instance `pg1-path` of a cluster beside. */
  options?: Record<string, string>;
  /** Told all that it said beside its answer, where it succeeded. */
  hear?: (said: string) => void;
}

export interface PgBackRest {
  /** Its configuration, as the archive command names it. */
  configFile: string;
  /** Written each time that the pointer or a credential may have changed. */
  configure(): void;
  /** @returns what it printed. Throws PgBackRestError; an abort asks it to end, and waits until it has. */
  run(command: string, args?: string[], options?: RunOptions): Promise<string>;
  /** Where it says how far a backup is. */
  lockFile: string;
}

const AUTHORITY = 'repo1-storage-ca-file';

export const configFileIn = (home: string) => join(home, 'pgbackrest', 'pgbackrest.conf');

/** What PostgreSQL is told to run for each finished segment of its log. */
export const archiveCommand = (program: string, home: string) =>
  endedByShutdown(`${quoted(program)} --config=${quoted(configFileIn(home))} --stanza=${STANZA} archive-push "%p"`);

/**
 * Ends the push if PostgreSQL is stopping. While S3 is away a push takes eight times its io-timeout, and a shutdown waits for six
 * of them. What is not pushed stays, and is pushed after the next start. PostgreSQL runs this in its data directory.
 */
const endedByShutdown = (push: string) =>
  `${push} & push=$!; (while sleep 1; do grep -q "^stopping" postmaster.pid && { sleep 2; kill $push; exit; }; done) >/dev/null 2>&1 & wait $push; code=$?; kill $! 2>/dev/null; exit $code`;

export function createPgBackRest(program: string, host: ClusterHost, repository: RepositoryOptions): PgBackRest {
  const folder = join(host.home, 'pgbackrest');
  const configFile = configFileIn(host.home);
  const lockPath = join(folder, 'lock');

  return {
    configFile,
    lockFile: join(lockPath, `${STANZA}-backup.lock`),

    configure() {
      const own = repository['repo1-type'] === 'posix' ? [repository['repo1-path'] as string] : [];
      for (const path of [folder, lockPath, join(folder, 'log'), ...own]) ensureOwnFolder(path, host);
      for (const path of own) takeOver(path, host);
      const authority = repository[AUTHORITY];
      // A copy, since that user may not reach ours.
      const copy = join(folder, 'authority.pem');
      if (authority) writeOwnFile(copy, readFileSync(authority, 'utf8'), host);
      const reachable = authority ? { ...repository, [AUTHORITY]: copy } : repository;
      writeOwnFile(configFile, configuration(host, reachable, folder), host);
    },

    run(command, args = [], { signal, options = {}, hear } = {}) {
      const given = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
      const all = [`--config=${configFile}`, `--stanza=${STANZA}`, ...given, command, ...args];
      const { command: executable, args: whole, ...ids } = asClusterUser(host, program, all);
      const env = {
        PATH: process.env.PATH,
        HOME: folder,
        LC_ALL: 'C.UTF-8',
        TZ: 'UTC',
        // It leaves the host to libpq where no socket's path is configured.
        PGHOST: host.host,
        PGPASSWORD: host.password,
      };
      return finish(
        spawn(executable, whole, { ...ids, cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'], detached: true }),
        command,
        signal,
        hear,
      );
    },
  };
}

function configuration(host: ClusterHost, repository: RepositoryOptions, folder: string): string {
  const lines = (options: Record<string, string>) => Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return [
    '# Written by Countersign at each start.',
    '[global]',
    ...lines({
      ...repository,
      'lock-path': join(folder, 'lock'),
      'log-path': join(folder, 'log'),
      'log-level-file': 'off',
      'log-level-console': 'warn',
      'start-fast': 'y',
      'compress-type': 'lz4',
      'process-max': '2',
      'io-timeout': '30',
      // What goes is decided with the whole set.
      'expire-auto': 'n',
      'repo1-retention-full': '9999999',
    }),
    `[${STANZA}]`,
    ...lines({ 'pg1-path': livingCluster(host.home), 'pg1-port': String(host.port), 'pg1-user': host.role }),
    '',
  ].join('\n');
}

function ensureOwnFolder(path: string, { user }: ClusterHost): void {
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  if (!user) return;
  chownSync(path, user.uid, user.gid);
  // The one above is ours; that user passes through and reads nothing.
  if (path.endsWith(`/${REPOSITORY}`)) chmodSync(dirname(path), 0o711);
}

/** A repository that was copied here may belong to whoever copied it. */
function takeOver(repository: string, { user }: ClusterHost): void {
  if (!user) return;
  const foreign = readdirSync(repository).some((name) => statSync(join(repository, name)).uid !== user.uid);
  if (foreign) spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, repository]);
}

function writeOwnFile(file: string, text: string, { user }: ClusterHost): void {
  const fresh = `${file}.new`;
  writeFileSync(fresh, text, { mode: 0o600 });
  if (user) chownSync(fresh, user.uid, user.gid);
  renameSync(fresh, file);
}

const HELPERS_END_WITHIN_MS = 5_000;
const LINES = 6;
/** What it ended of; a request that failed is told after it, line by line. */
const CAUSE = /ERROR: \[\d+\]/;

function finish(
  child: ChildProcess,
  command: string,
  signal: AbortSignal | undefined,
  hear: RunOptions['hear'],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const [out, said] = [[] as Buffer[], [] as Buffer[]];
    child.stdout?.on('data', (chunk) => out.push(chunk));
    child.stderr?.on('data', (chunk) => said.push(chunk));
    const end = () => child.kill('SIGTERM');
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    child.once('close', async (code) => {
      signal?.removeEventListener('abort', end);
      if (code !== 0) await untilHelpersEnded(child.pid);
      const text = Buffer.concat(out).toString();
      if (code === 0) {
        hear?.(Buffer.concat(said).toString());
        return resolve(text);
      }
      const lines = `${text}\n${Buffer.concat(said)}`.trim().split('\n');
      const cause = lines.findIndex((line) => CAUSE.test(line));
      const told = cause < 0 ? lines.slice(-LINES) : lines.slice(cause, cause + LINES);
      reject(signal?.aborted ? signal.reason : new PgBackRestError(code, command, told.join('\n')));
    });
  });
}

/** Its helpers end by themselves once it has, a moment later, and until then may still write. They are in its group of processes. */
async function untilHelpersEnded(group: number | undefined): Promise<void> {
  if (group === undefined) return;
  const signalAll = (signal: NodeJS.Signals | 0) => {
    try {
      return process.kill(-group, signal);
    } catch {
      return false;
    }
  };
  const deadline = Date.now() + HELPERS_END_WITHIN_MS;
  for (; signalAll(0) && Date.now() < deadline; await delay(50));
  signalAll('SIGKILL');
}

/** For a shell; PostgreSQL itself reads `%`. */
const quoted = (path: string) => `'${path.replaceAll("'", "'\\''").replaceAll('%', '%%')}'`;
