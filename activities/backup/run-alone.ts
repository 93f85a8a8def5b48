// What holds pgBackRest's lock is, under the lock of `operations`, a run whose worker was killed.
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT, type PgBackRest, PgBackRestError } from '../../ops/pgbackrest/pgbackrest';
import { endOrphan } from './orphan';

const TRIES = 20;
const BETWEEN_MS = 500;

export async function runAlone(
  pgbackrest: PgBackRest,
  command: string,
  args: string[],
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await pgbackrest.run(command, args, { signal });
      return;
    } catch (error) {
      const isLocked = error instanceof PgBackRestError && error.exitCode === EXIT.locked;
      if (!isLocked || tries === TRIES) throw error;
    }
    await endOrphan(pgbackrest, signal);
    await delay(BETWEEN_MS, undefined, { signal });
  }
}
