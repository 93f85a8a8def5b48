// Runs the tests on another version of Node, which npm brings once for this user.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The newest version that calls itself a long-term support release (`process.release.lts`). */
const NEWEST_LTS = '24.21.0';

const SUMMARY = /(?:^|\n)(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const cacheRoot = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

/** Returns the path of that version's `node`. Throws an error with the remedy if npm can't bring it. */
function findNode(version, progress) {
  if (!/^\d+\.\d+\.\d+$/.test(version ?? '')) throw new Error(`--node takes a version, for instance ${NEWEST_LTS}.`);
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

/**
 * Runs the tests with these arguments on that version, shows what they say, and returns what they count at their end. What they
 * start by the name of `node` is that version too.
 */
export async function runTestsOn(version, args, { progress, started }) {
  let program;
  try {
    program = findNode(version, progress);
  } catch (error) {
    console.error(error.message);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  progress(`Running the tests on Node ${version}`);
  const env = { ...process.env, PATH: `${dirname(program)}${delimiter}${process.env.PATH}` };
  const child = spawn(program, ['test/run.mjs', ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  started(child);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text);
    said = (said + text).slice(-1_000);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const [, passed = 0, failed = 0, skipped = 0] = SUMMARY.exec(said.trimEnd()) ?? [];
  return { passed: Number(passed), failed: Number(failed) || (code === 0 ? 0 : 1), skipped: Number(skipped) };
}

/** Returns no counts if this Node is as new. A run that npm can't bring the Node for is skipped, not failed. */
export async function runTestsOnNewestLts(options) {
  const major = (version) => Number.parseInt(version, 10);
  if (major(process.versions.node) >= major(NEWEST_LTS)) {
    options.progress(`This was Node ${process.versions.node}, so no run on the newest LTS follows`);
    return { passed: 0, failed: 0, skipped: 0 };
  }
  try {
    findNode(NEWEST_LTS, options.progress);
  } catch (error) {
    console.error(error.message);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  return runTestsOn(NEWEST_LTS, [], options);
}
