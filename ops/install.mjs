// Installs the npm dependencies where they are missing or not those of the lock file.
import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runStep, StepFailed, tellFailure } from './steps.mjs';

const NEEDED_MB = 1_000;

export async function install() {
  if (isInstalled()) return;
  checkSpace();
  const npm = process.env.npm_execpath;
  const throughNode = npm?.endsWith('.js');
  await runStep({
    what: 'Installing the npm dependencies',
    usualSeconds: 60,
    command: throughNode ? process.execPath : 'npm',
    // NODE_ENV=production must not leave out the compiler.
    args: [
      ...(throughNode ? [npm] : []),
      ...['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    ],
    remedy: 'Look at what npm says below; often it can not reach its registry.',
  });
}

/** On a full disk npm tries for minutes. */
function checkSpace() {
  const { bavail, bsize, blocks } = statfsSync(root);
  const freeMb = Math.floor((bavail * bsize) / 1e6);
  if (blocks === 0 || freeMb >= NEEDED_MB) return;
  throw new StepFailed(
    `The disk is full: the npm dependencies need about ${NEEDED_MB / 1000} GB, and ${root} has ${freeMb} MB left. Free some space, then try again.`,
  );
}

/** npm notes what it installed in node_modules/.package-lock.json, as the last thing it does. */
function isInstalled() {
  try {
    const wanted = packagesOf('package-lock.json');
    const present = packagesOf('node_modules/.package-lock.json');
    return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
      if (path === '') return true;
      return present[path] ? present[path].version === version : optional || devOptional;
    });
  } catch {
    return false;
  }
}

function packagesOf(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  install().catch((error) => {
    console.error(tellFailure(error));
    process.exitCode = 1;
  });
}
