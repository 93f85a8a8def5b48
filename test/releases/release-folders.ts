// Release folders of a test: either what a build says of itself and nothing else, or a copy of this build that runs.
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Release, readRelease, releaseFile } from '../../ops/releases/release';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';

export const describeBuild = (version: string, changes: Partial<Release> = {}): Release => ({
  version,
  commit: null,
  buildId: `${version}-0000abcd`,
  bundleHash: 'b'.repeat(64),
  migrations: ['20260101000000_init'],
  ...changes,
});

export function writeBuild(folder: string, release: Release): void {
  mkdirSync(dirname(releaseFile(folder)), { recursive: true });
  writeFileSync(releaseFile(folder), JSON.stringify(release));
}

/** Copies this build, with links to its dependencies, as a release of this version. */
export function copyBuild(folder: string, version: string, changes: Partial<Release> = {}): Release {
  mkdirSync(folder, { recursive: true });
  for (const name of ['dist', 'prisma', 'package.json', 'prisma.config.ts']) {
    cpSync(join(PACKAGE_ROOT, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(PACKAGE_ROOT, 'node_modules'), join(folder, 'node_modules'));
  const release = { ...readRelease(), version, buildId: `${version}-0000abcd`, ...changes };
  writeBuild(folder, release);
  return release;
}
