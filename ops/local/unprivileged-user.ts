// PostgreSQL refuses to run as root. As root, its programs run as `postgres`, else as `nobody`, with no right but, where
// the folders above lie closed to that user, the one to pass through them.
import { spawnSync } from 'node:child_process';
import { onPath, run } from './binaries/programs';

export interface UnprivilegedUser {
  uid: number;
  gid: number;
  /** Wraps a command so that it runs as this user. */
  command(program: string, args: string[]): { command: string; args: string[]; uid?: number; gid?: number };
}

const USERS = ['postgres', 'nobody'];
/** Containers often keep the first from root, and leave it the second. */
const RIGHTS_TO_PASS = ['dac_read_search', 'dac_override'];

/** @param paths that this user must be able to reach. @returns null where we are not root */
export async function unprivilegedUser(paths: string[]): Promise<UnprivilegedUser | null> {
  if (process.getuid?.() !== 0) return null;
  const { uid, gid } = findUser();
  const direct: UnprivilegedUser = { uid, gid, command: (command, args) => ({ command, args, uid, gid }) };
  if (await reaches(direct, paths)) return direct;
  for (const right of onPath('setpriv') ? RIGHTS_TO_PASS : []) {
    const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
    // Without the bit, access(2) looks only at what the user itself may.
    const rights = [
      '--securebits=+no_setuid_fixup',
      `--inh-caps=-all,+${right}`,
      `--ambient-caps=-all,+${right}`,
      `--bounding-set=-all,+${right}`,
    ];
    const passing: UnprivilegedUser = {
      uid,
      gid,
      command: (program, args) => ({ command: 'setpriv', args: [...ids, ...rights, '--', program, ...args] }),
    };
    if (await reaches(passing, paths)) return passing;
  }
  throw new Error(
    `PostgreSQL does not run as root, and the unprivileged user it would run as cannot reach ${paths.join(' or ')}. ` +
      'Move this folder below one that others may pass (chmod o+x), start as another user than root, or set DATABASE_URL.',
  );
}

function findUser(): { uid: number; gid: number } {
  for (const name of USERS) {
    const [uid, gid] = ['-u', '-g'].map((what) => spawnSync('id', [what, name], { encoding: 'utf8' }).stdout?.trim());
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65_534, gid: 65_534 };
}

async function reaches(user: UnprivilegedUser, paths: string[]): Promise<boolean> {
  try {
    for (const path of paths) {
      const { command, args, ...ids } = user.command('test', ['-x', path]);
      await run(command, args, { ...ids, cwd: '/' });
    }
    return true;
  } catch {
    return false;
  }
}
