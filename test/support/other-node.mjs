// Runs the tests on another version of Node, which npm brings once for this user.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** The newest version that calls itself a long-term support release (`process.release.lts`). */
export const NEWEST_LTS = '24.21.0';

const cacheRoot = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

/** Returns the path of that version's `node`. Throws an error with the remedy if npm can't bring it. */
export function findNode(version, progress) {
  const home = join(cacheRoot, 'countersign', `node-${version}`);
  const { platform, arch } = process;
  // As the package `node` names them, whose own install script we don't run.
  const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node';
  const name = `${prefix}-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const program = join(home, 'node_modules', name, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(program)) return program;
  progress(`Getting Node ${version} by npm (usually 10 s)`);
  mkdirSync(dirname(home), { recursive: true });
  const fresh = mkdtempSync(`${home}.`);
  try {
    const quiet = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
    const args = ['install', ...quiet, '--prefix', fresh, `${name}@${version}`];
    const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8', timeout: 300_000 });
    if (status !== 0) {
      throw new Error(
        `npm could not bring Node ${version} (${name}). Install it yourself and run npm test with it.\n${stderr ?? ''}`.trim(),
      );
    }
    // Beside, then renamed: what is in the cache is whole.
    rmSync(home, { recursive: true, force: true });
    renameSync(fresh, home);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return program;
}

/** Starts `npm test` with these arguments on that program; what the tests start by the name of `node` is that one too. */
export function startTests(program, args) {
  const env = { ...process.env, PATH: `${dirname(program)}${delimiter}${process.env.PATH}` };
  return spawn(program, ['test/run.mjs', ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
}
