// Gets programs that the tests need once for this user, from their project's release or built by Go, into the user's cache.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const DOWNLOAD_WITHIN_MS = 120_000;
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'countersign', 'bin');

/**
 * @param names of programs that answer to --version
 * @param ways [what it does, how it puts them into a folder under their names][]; tried in turn
 * @returns {Promise<string[]>} their paths, in the order of the names. Throws with the failure of each way
 */
export async function getPrograms(names, version, ways, progress) {
  const cached = names.map((name) => join(cache, `${name}-${version}`));
  if (cached.every((path) => existsSync(path))) return cached;
  mkdirSync(cache, { recursive: true });
  // Beside, then renamed: what is in the cache is whole.
  const folder = mkdtempSync(`${cached[0]}.`);
  const failures = [];
  try {
    for (const [what, get] of ways) {
      progress(what);
      try {
        await get(folder);
        const made = names.map((name) => join(folder, name));
        for (const path of made) run(path, ['--version']);
        for (const [index, path] of made.entries()) renameSync(path, cached[index]);
        return cached;
      } catch (error) {
        failures.push(error.message);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  throw new Error(failures.join('\n'));
}

/** Puts programs of a .tar.gz into a folder. */
export async function unpackRelease(url, folder, names) {
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_WITHIN_MS) });
  if (!response.ok) throw new Error(`The download answered ${response.status}.`);
  const unpacked = mkdtempSync(join(folder, 'release-'));
  writeFileSync(join(unpacked, 'archive.tar.gz'), Buffer.from(await response.arrayBuffer()));
  run('tar', ['-xzf', join(unpacked, 'archive.tar.gz'), '-C', unpacked]);
  const files = readdirSync(unpacked, { recursive: true });
  for (const name of names) {
    const found = files.find((file) => file === name || file.endsWith(`/${name}`));
    if (!found) throw new Error(`The download holds no ${name}.`);
    renameSync(join(unpacked, found), join(folder, name));
  }
}

/** @param packages with their version, of one module */
export function buildByGo(packages, folder) {
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0', GOFLAGS: '-trimpath' };
  run('go', ['install', '-ldflags', '-s -w', ...packages], { env });
}

function run(command, args, options = {}) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (error || status !== 0) throw new Error(`${command}: ${error?.message ?? stderr.trim().slice(-400)}`);
}
