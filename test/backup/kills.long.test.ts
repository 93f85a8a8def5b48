// Killed at points that chance draws, backups are made by the next worker, and nothing of them is left in halves.
import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Manifest } from '../../activities/backup/manifest';
import { findFaults } from '../../activities/backup/verify';
import { randomOf } from '../support/random';
import { BackupService } from './backup-service';

const POINTS = 10;
const attempt = { signal: new AbortController().signal, show: () => {} };
const SEED = Number(process.env.COUNTERSIGN_TEST_SEED ?? Date.now() % 100_000);

test(`at ${POINTS} points, worker or pgBackRest (COUNTERSIGN_TEST_SEED=${SEED})`, async () => {
  const service = await BackupService.start();
  try {
    let worker = await service.startWorker();
    expect((await service.run('full')).status).toBe('done');
    const draw = randomOf(SEED);
    for (let point = 1; point <= POINTS; point++) {
      const [after, victim, kind] = [
        draw() * 5_000,
        draw() < 0.5 ? 'worker' : 'tool',
        draw() < 0.5 ? 'full' : 'incr',
      ] as const;
      const handle = await service.start(kind);
      await delay(after);
      if (victim === 'worker') {
        await worker.kill();
        worker = await service.startWorker();
      } else {
        killTools(service);
      }
      const about = `seed ${SEED}, point ${point}: ${victim} after ${Math.round(after)} ms of ${kind}`;
      await handle.result().catch((error: Error) => {
        throw new Error(`${about}: ${error.cause}`);
      });
      const sets = await service.sets();
      expect([about, sets.length]).toEqual([about, point + 1]);
      const faults = await findFaults(service.tools, sets.slice(0, -1), sets.at(-1) as Manifest, new Date(0), attempt);
      expect([about, faults.own, faults.older]).toEqual([about, [], []]);
    }
  } finally {
    await service.close();
  }
});

/** Each process of it at once, or only the one that began. */
function killTools({ tools }: BackupService): void {
  const listed = execFileSync('ps', ['-ww', '-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  const ours = listed.filter((line) => line.includes('pgbackrest') && line.includes(tools.pgbackrest.configFile));
  for (const line of ours.filter((one) => !one.includes('archive-push') && !one.includes('--exec-id'))) {
    try {
      process.kill(Number.parseInt(line, 10), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
