// Temporal's command line, which holds the dev server: from the PATH, the user's cache, the SDK's own download, or built
// by Go from its module.
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder, isProgram, type OnProgress, onPath, run, tell } from './programs';

const VERSION = '1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@v${VERSION}`;
const DOWNLOAD_WITHIN_MS = 180_000;

export async function findTemporal(onProgress?: OnProgress): Promise<string> {
  const found = onPath('temporal');
  if (found) return found;
  const cached = join(cacheFolder(), 'bin', `temporal-${VERSION}`);
  if (isProgram(cached)) return cached;
  const failures: string[] = [];
  for (const [what, usualSeconds, get] of [
    ['Downloading Temporal', 15, download],
    ['Building Temporal by Go (once for this user)', 240, build],
  ] as const) {
    if (get === build && !onPath('go')) continue;
    try {
      await tell(onProgress, what, usualSeconds, () => intoCache(cached, get));
      return cached;
    } catch (error) {
      failures.push(`${what}: ${(error as Error).message.split('\n').slice(-3).join('\n')}`);
    }
  }
  throw new Error(
    [
      'Temporal is not installed here, and could be neither downloaded nor built. One of these helps:',
      '- install its command line (https://docs.temporal.io/cli) so that `temporal` is on the PATH',
      '- install Go (https://go.dev) and start again: Temporal is then built once',
      '- set TEMPORAL_ADDRESS to a server that runs',
      ...failures,
    ].join('\n'),
  );
}

/** Beside, then renamed: two that start at once do not disturb each other, and what is in the cache is whole. */
async function intoCache(cached: string, get: (folder: string) => Promise<string>): Promise<void> {
  mkdirSync(dirname(cached), { recursive: true });
  const folder = mkdtempSync(`${cached}.`);
  try {
    const program = await get(folder);
    await run(program, ['--version'], { timeout: 20_000 });
    chmodSync(program, 0o755);
    renameSync(program, cached);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The SDK offers its download only as part of a start. */
async function download(folder: string): Promise<string> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const started = TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder }, log: { format: 'pretty', level: 'error' } },
  });
  const environment = await within(DOWNLOAD_WITHIN_MS, started);
  try {
    const [name] = readdirSync(folder).filter((file) => isProgram(join(folder, file)));
    if (!name) throw new Error('the download left no program');
    copyFileSync(join(folder, name), join(folder, 'temporal'));
    return join(folder, 'temporal');
  } finally {
    await environment.teardown();
  }
}

async function build(folder: string): Promise<string> {
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-trimpath' };
  await run('go', ['install', MODULE], { env, cwd: folder, timeout: 1_800_000 });
  return join(folder, 'temporal');
}

async function within<T extends { teardown(): Promise<void> }>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    work.then((environment) => environment.teardown()).catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
