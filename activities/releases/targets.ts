// Finds the release that serves and the one to go to, and refuses what can't be gone to.
import type { Release } from '../../ops/releases/release';
import type { ReleaseDetails } from '../../workflows/contracts/releases';
import type { ReleaseDependencies } from './dependencies';
import { refuse } from './refusals';
import { readCurrent, registerRelease, toDetails } from './registry';

export interface Between {
  from: Release;
  to: Release;
}

/** The release whose API is wanted; while none is, the one that the registry calls current. */
export async function findServing({ db, driver }: ReleaseDependencies): Promise<Release> {
  const version = (await driver.wanted()).api ?? (await readCurrent(db))?.version;
  const release = version === undefined ? null : await driver.find(version);
  if (!release) {
    throw refuse(
      'nothing_serves',
      version === undefined
        ? 'No release serves here: ops/deploy.sh starts one.'
        : `The release ${version} that serves is gone, so its migrations can't be undone: put it back, or restore (docs/DR_RUNBOOK.md).`,
    );
  }
  return release;
}

export async function findTarget(
  { db, driver }: ReleaseDependencies,
  version: string,
  from: Release,
): Promise<Release> {
  if (version === from.version) throw refuse('same_release', `${version} serves already.`);
  const known = await db.release.findUnique({ where: { version } });
  if (!known) {
    const all = await db.release.findMany({ orderBy: { registeredAt: 'desc' }, take: 10, select: { version: true } });
    const names = all.map((one) => one.version).join(', ');
    throw refuse('unknown_release', `No release ${version} is registered here. Those that are: ${names}.`);
  }
  const release = await driver.find(version);
  if (!release) {
    throw refuse(
      'release_gone',
      `The release ${version} is gone: ops/deploy.sh makes it again from its tag or folder.`,
    );
  }
  if (release.bundleHash !== known.bundleHash) throw otherBuild(version);
  return release;
}

/** A version that has served once stays the build that it was. */
export async function register({ db, driver }: ReleaseDependencies, version: string, from: Release): Promise<Release> {
  if (version === from.version) throw refuse('same_release', `${version} serves already: raise the version.`);
  const release = await driver.find(version);
  if (!release) throw refuse('release_gone', `The release ${version} is not there: ops/deploy.sh makes it.`);
  const known = await db.release.findUnique({ where: { version } });
  if (known?.currentSince && known.bundleHash !== release.bundleHash) throw otherBuild(version);
  await registerRelease(db, release);
  return release;
}

const otherBuild = (version: string) =>
  refuse('other_build', `The release ${version} was built anew since it served: raise its version.`);

/** Returns the build id under which its workers run now: those of the first release have none. */
export async function detailsOf({ driver }: ReleaseDependencies, release: Release): Promise<ReleaseDetails> {
  const { workers } = await driver.wanted();
  const wanted = workers.find(({ version }) => version === release.version);
  return { ...toDetails(release), buildId: wanted ? wanted.buildId : release.buildId };
}
