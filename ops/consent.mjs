// Asks before `npm start` installs anything outside of its own folders.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';

/** Debian's packages that the embedded default uses, and what it goes without if they are missing. */
const PACKAGES = {
  'redis-server': 'Redis: limits are counted by all processes together, and survive a restart',
  pgbackrest: 'pgBackRest: backups and restores',
};

const isOnPath = (program, path = '') =>
  path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });

/**
 * Decides whether missing packages may be installed. Asks only on a terminal, and only whoever is not root.
 * @returns `yes` or `no`, which the supervisor reads from COUNTERSIGN_INSTALL
 */
export async function askToInstall({
  args = [],
  env = process.env,
  isRoot = process.getuid?.() === 0,
  input = process.stdin,
  output = process.stdout,
} = {}) {
  const given = env.COUNTERSIGN_INSTALL;
  if (args.includes('--no-install') || given === 'no') return 'no';
  const missing = Object.keys(PACKAGES).filter((program) => !isOnPath(program, env.PATH));
  const canInstall = isOnPath('apt-get', env.PATH) && (isRoot || isOnPath('sudo', env.PATH));
  if (missing.length === 0 || !canInstall) return 'yes';
  const say = (line) => output.write(`${line}\n`);
  if (isRoot || env.CI || given === 'yes') {
    say(`· Installing ${missing.join(' and ')} by apt (to go on without: npm start -- --no-install)`);
    return 'yes';
  }
  const list = missing.map((name) => `  ${name.padEnd(14)}${PACKAGES[name]}`).join('\n');
  if (!input.isTTY || !output.isTTY) {
    say(`Not installed, since nobody can be asked here (COUNTERSIGN_INSTALL=yes installs them):\n${list}`);
    return 'no';
  }
  say(`These Debian packages are missing:\n${list}`);
  const terminal = createInterface({ input, output });
  const answer = await terminal.question(`Install them now, by sudo apt-get install ${missing.join(' ')}? [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim()) ? 'yes' : 'no';
}
