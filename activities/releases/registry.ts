// Keeps the registry: every release that was rolled out here, which one serves, and which one did before it.
import type { ReleaseDriver } from '../../ops/releases/driver';
import type { Release } from '../../ops/releases/release';
import type { Database } from '../../prisma/client';
import type { ReleaseDetails } from '../../workflows/contracts/releases';

/** The state of a release after another one took over. */
export type Left = 'draining' | 'retired' | 'rolled_back';

export const toDetails = ({ version, buildId, commit, bundleHash, migrations }: Release): ReleaseDetails => ({
  version,
  buildId,
  commit,
  bundleHash,
  lastMigration: migrations.at(-1) as string,
});

/** Registers a release, or another build of its version. Its state stays. */
export async function registerRelease(db: Database, release: Release, by: string | null = null): Promise<void> {
  const { version, ...details } = toDetails(release);
  const columns = { ...details, buildId: release.buildId };
  await db.release.upsert({
    where: { version },
    create: { version, ...columns, state: 'registered', registeredBy: by },
    update: columns,
  });
}

/** The release that serves, as the registry knows it. */
export const readCurrent = (db: Database) => db.release.findFirst({ where: { state: 'current' } });

/** Returns the release that served last before the current one and was not rolled back, or null. */
export const readPrevious = (db: Database) =>
  db.release.findFirst({
    where: { state: { in: ['draining', 'retired'] }, currentSince: { not: null } },
    orderBy: { currentSince: 'desc' },
  });

/** A repeat changes nothing. Throws, and changes nothing, if the version is not registered. */
export async function noteCurrent(db: Database, version: string, left: Left): Promise<void> {
  await db.$transaction(async (tx) => {
    const current = await tx.release.findFirst({ where: { state: 'current' } });
    if (current?.version === version) return;
    await tx.release.updateMany({ where: { state: 'current' }, data: { state: left } });
    const noted = await tx.$executeRaw`
      UPDATE releases SET state = 'current', current_since = clock_timestamp() WHERE version = ${version}`;
    if (noted === 0) throw new Error(`The release ${version} is not registered`);
  });
}

export async function noteRetired(db: Database, version: string): Promise<void> {
  await db.release.updateMany({ where: { version, state: { not: 'current' } }, data: { state: 'retired' } });
}

/** A release that has served before stays what it was. */
export async function noteFailed(db: Database, version: string): Promise<void> {
  await db.release.updateMany({ where: { version, currentSince: null }, data: { state: 'failed' } });
}

/**
 * Registers the release that serves if nobody has deployed it: on a first start, and after a new build of the folder that
 * `npm start` runs in. A deployment or rollback that was cut off registers what it did itself.
 */
export async function registerServing({ db, driver }: { db: Database; driver: ReleaseDriver }): Promise<void> {
  const { api, workers } = await driver.wanted();
  const isDeployed = workers.some(({ buildId }) => buildId !== null);
  const release = api === null ? null : await driver.find(api);
  if (!release || (isDeployed && (await readCurrent(db)))) return;
  await registerRelease(db, release);
  await noteCurrent(db, release.version, 'retired');
}
