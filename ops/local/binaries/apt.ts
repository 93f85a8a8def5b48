// Debian's packages, installed where we are root or may become it without a password.
import { type OnProgress, onPath, run, tell } from './programs';
import { refuseServices } from './service-policy';

/** The program, installed where it is missing. @returns null where it can't be */
export async function findOrInstall(
  { program, packageName, title }: { program: string; packageName: string; title: string },
  onProgress?: OnProgress,
): Promise<string | null> {
  const found = onPath(program);
  if (found) return found;
  const become = mayInstall() ? await privilege() : null;
  if (!become || !onPath('apt-get')) return null;
  try {
    await tell(onProgress, `Installing ${title} by apt`, 20, () => install(become, packageName));
  } catch {
    return null;
  }
  return onPath(program);
}

/** Whoever is not root is asked by `npm start` first (ops/consent.mjs). */
function mayInstall(): boolean {
  const { COUNTERSIGN_INSTALL, CI } = process.env;
  if (COUNTERSIGN_INSTALL) return COUNTERSIGN_INSTALL === 'yes';
  return process.getuid?.() === 0 || Boolean(CI);
}

async function install(become: string[], packageName: string): Promise<void> {
  const policy = process.getuid?.() === 0 ? refuseServices() : null;
  try {
    // Another may be installing at this moment.
    const packages = ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '-qq', '--no-install-recommends', packageName];
    await apt(become, packages).catch(async () => {
      await apt(become, ['update', '-qq']);
      await apt(become, packages);
    });
  } finally {
    policy?.end();
  }
}

async function apt(become: string[], args: string[]): Promise<void> {
  const [command = 'apt-get', ...rest] = [...become, 'apt-get', ...args];
  // Debian's service scripts start nothing in run level 1.
  await run(command, rest, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    timeout: 300_000,
  });
}

/** How to act as root: what to put before a command, or null. */
async function privilege(): Promise<string[] | null> {
  if (process.getuid?.() === 0) return [];
  if (!onPath('sudo')) return null;
  const sudo = ['sudo', '-n', '--preserve-env=DEBIAN_FRONTEND,RUNLEVEL'];
  return run('sudo', ['-n', 'true'], { timeout: 5_000 }).then(
    () => sudo,
    () => null,
  );
}
