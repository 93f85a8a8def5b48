// The switch: the pointer to the living cluster is renamed, the old one is stopped, and whoever starts PostgreSQL here starts
// the new one. Each part may be repeated, so it may be cut off anywhere.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../ops/local/binaries/programs';
import { livingName, pointTo } from '../../ops/local/clusters';
import { endLeftoverPostmaster } from '../../ops/local/postmaster';
import type { RecoveryTools } from '../../ops/recovery/tools';
import type { StepWait } from '../../workflows/contracts/recovery-progress';
import { type RestoreRecord, readRecord, writeRecord } from './records';
import { withDatabase } from './rewound';

const LIVES_WITHIN_MS = 10 * 60_000;
/** A supervisor has done so by then. */
const STARTED_BY_OTHERS_WITHIN_MS = 5_000;
const STARTS_WITHIN_MS = 120_000;
const LOOKS_EACH_MS = 200;

/**
 * From then on no conversation with a mail server is opened in the living database.
 * Returns false if it is away: then it sends nothing either.
 */
export async function holdLanes({ settings }: RecoveryTools): Promise<boolean> {
  return withDatabase(settings.DATABASE_URL, async (db) => {
    await db.lane.updateMany({ data: { held: true, owner: null } });
    return true;
  }).catch(() => false);
}

/**
 * After a switch that was begun and came to nothing: the database that lives sends again, unless it is held for a restore of
 * its own. The other one stays where it is, for whoever may still be about to switch to it.
 */
export async function giveUpSwitch({ settings, backups }: RecoveryTools, record: RestoreRecord): Promise<void> {
  await withDatabase(settings.DATABASE_URL, async (db) => {
    const { restoreId, heldCode } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
    const own = restoreId ? await readRecord(backups, restoreId) : null;
    if (own?.state !== 'switched' && heldCode === null) await db.lane.updateMany({ data: { held: false } });
  });
  await writeRecord(backups, { ...record, state: 'abandoned' });
}

export async function switchCluster(
  { host, pgbackrest }: RecoveryTools,
  { from, to }: { from: string | null; to: string },
  tell: () => void,
): Promise<void> {
  if (livingName(host.home) !== to) pointTo(host.home, to);
  pgbackrest.configure();
  tell();
  if (from !== null) await endLeftoverPostmaster(join(host.home, from));
}

/** The command starts it again if it does not run, and is harmless if it does. */
async function startPostgres(command: string): Promise<void> {
  await run('sh', ['-c', command], { cwd: '/', timeout: STARTS_WITHIN_MS }).catch((error: Error) => {
    throw new Error(`POSTGRES_START failed: ${error.message.split('\n').at(-1)}`);
  });
}

/**
 * Until the database that answers is of this generation. Whoever was just starting the old one when the pointer was renamed
 * has started it after it was stopped: it is stopped again.
 */
export async function untilLives(
  { host, settings }: RecoveryTools,
  { generation, previous, cluster }: Pick<RestoreRecord, 'generation' | 'previous' | 'cluster'>,
  tell: (news?: StepWait) => void,
): Promise<void> {
  const howTo = `Start PostgreSQL from ${join(host.home, cluster)}: the restored database is ready. Set POSTGRES_START, and the next restore starts it.`;
  const asksFrom = Date.now() + STARTED_BY_OTHERS_WITHIN_MS;
  const deadline = Date.now() + LIVES_WITHIN_MS;
  let isStarted = false;
  for (;;) {
    const found = await withDatabase(
      settings.DATABASE_URL,
      async (db) => (await db.instance.findUniqueOrThrow({ where: { id: 1 } })).generation,
    ).catch(() => null);
    if (found === generation) return;
    if (Date.now() > deadline) throw new Error(howTo);
    if (previous !== null && previous !== cluster) await endLeftoverPostmaster(join(host.home, previous));
    if (settings.POSTGRES_START && !isStarted) {
      await startPostgres(settings.POSTGRES_START);
      isStarted = true;
    }
    tell(Date.now() > asksFrom ? { waitsFor: howTo } : undefined);
    await delay(LOOKS_EACH_MS);
  }
}
