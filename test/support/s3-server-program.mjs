// Finds versitygw, the S3 server of the tests, in this order: COUNTERSIGN_TEST_S3_SERVER, the PATH, the user's cache, the
// project's own release, a build by Go. Says what to do where none works.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const VERSION = '1.8.0';
const MODULE = `github.com/versity/versitygw/cmd/versitygw@v${VERSION}`;
const DOWNLOAD_WITHIN_MS = 120_000;

/** @returns {Promise<string>} the path of the program */
export async function findS3Server(progress) {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'versitygw'));
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'countersign', 'bin');
  const cached = join(cache, `versitygw-${VERSION}`);
  const found = [process.env.COUNTERSIGN_TEST_S3_SERVER, ...onPath, cached].find((file) => file && existsSync(file));
  if (found) return found;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(`${cached}.`);
  const failures = [];
  try {
    for (const [what, get] of [
      ['Downloading the S3 server versitygw (usually 10 s)', download],
      ['Building the S3 server versitygw by Go (once for this user, usually 3 min)', build],
    ]) {
      progress(what);
      try {
        const program = await get(folder);
        run(program, ['--version']);
        renameSync(program, cached);
        return cached;
      } catch (error) {
        failures.push(error.message);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  throw new Error(
    `The tests need the S3 server versitygw ${VERSION}: put it on the PATH, or install Go 1.25 or newer.\n${failures.join('\n')}`,
  );
}

async function download(folder) {
  const system = { linux: 'Linux', darwin: 'Darwin' }[process.platform];
  const machine = { x64: 'x86_64', arm64: 'arm64' }[process.arch];
  const name = `versitygw_v${VERSION}_${system}_${machine}`;
  const url = `https://github.com/versity/versitygw/releases/download/v${VERSION}/${name}.tar.gz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_WITHIN_MS) });
  if (!response.ok) throw new Error(`The download answered ${response.status}.`);
  writeFileSync(join(folder, 'archive.tar.gz'), Buffer.from(await response.arrayBuffer()));
  run('tar', ['-xzf', join(folder, 'archive.tar.gz'), '-C', folder]);
  const program = readdirSync(folder, { recursive: true }).find((file) => /(^|\/)versitygw$/.test(file));
  if (!program) throw new Error('The download holds no program.');
  return join(folder, program);
}

async function build(folder) {
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0', GOFLAGS: '-trimpath' };
  run('go', ['install', '-ldflags', '-s -w', MODULE], { env });
  return join(folder, 'versitygw');
}

function run(command, args, options = {}) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (error || status !== 0) throw new Error(`${command}: ${error?.message ?? stderr.trim().slice(-400)}`);
}
