// Which versions and descriptions of a release are accepted: a version names a folder, an image and a row.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRelease, readRelease, releaseFile, toVersion, Version } from '../../ops/releases/release';
import { newFolder } from '../support/environment';

const RELEASE = {
  version: '1.2.3',
  commit: '389d07f0c1b2',
  buildId: '1.2.3-7356543b',
  bundleHash: 'a'.repeat(64),
  migrations: ['20260101000000_init', '20261201080000_releases'],
};

describe('a version', () => {
  it.each([
    ['v1.2.3', '1.2.3'],
    ['1.2.3', '1.2.3'],
    ['v2', '2'],
    ['vv1', 'vv1'],
    ['version', 'version'],
    ['V1.2.3', 'V1.2.3'],
  ])('%s means %s', (given, version) => {
    expect(toVersion(given)).toBe(version);
  });

  it.each(['0.1.0', '1.2.3-rc.1+build.7', '2026-11-28', 'main', 'a'.repeat(64)])('accepts %s', (version) => {
    expect(Version.parse(version)).toBe(version);
  });

  it.each([
    ['a parent folder', '..'],
    ['a path to a parent', '../x'],
    ['a path within', 'a/../../x'],
    ['an absolute path', '/etc'],
    ['a path of Windows', 'a\\b'],
    ['a hidden folder', '.1.2.3.making'],
    ['an option of a program', '--output=x'],
    ['nothing', ''],
    ['a space', '1.2.3 x'],
    ['a command', '1;rm -rf .'],
    ['a substitution', '$(id)'],
    ['a quotation mark', "1'--"],
    ['a line end', '1.2.3\n'],
    ['a NUL', '1.2.3\0'],
    ['a look-alike digit', '１.2.3'],
    ['too long a name', 'a'.repeat(65)],
    ['a number', 1 as unknown as string],
  ])('refuses %s', (_what, version) => {
    expect(Version.safeParse(version).success).toBe(false);
  });
});

describe('the description of a release', () => {
  it('is read from the folder of the release', () => {
    const root = newFolder('release');
    mkdirSync(join(root, 'dist'));
    writeFileSync(releaseFile(root), JSON.stringify(RELEASE));
    expect(readRelease(root)).toEqual(RELEASE);
  });

  it('of this build names its newest migration and the SHA-256 of its bundle', () => {
    const { migrations, bundleHash, buildId, version } = readRelease();
    expect([...migrations].sort()).toEqual(migrations);
    expect(bundleHash).toMatch(/^[0-9a-f]{64}$/);
    expect(buildId.startsWith(`${version}-`)).toBe(true);
  });

  it('has no commit if it was not built in a clone', () => {
    expect(parseRelease(JSON.stringify({ ...RELEASE, commit: null })).commit).toBeNull();
  });

  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['no version', JSON.stringify({ ...RELEASE, version: undefined })],
    ['a version that leads elsewhere', JSON.stringify({ ...RELEASE, version: '../x' })],
    ['a commit that is none', JSON.stringify({ ...RELEASE, commit: 'HEAD' })],
    ['a build id with a space', JSON.stringify({ ...RELEASE, buildId: 'a b' })],
    ['a hash that is cut off', JSON.stringify({ ...RELEASE, bundleHash: 'a'.repeat(63) })],
    ['no migration', JSON.stringify({ ...RELEASE, migrations: [] })],
    ['a migration that leads elsewhere', JSON.stringify({ ...RELEASE, migrations: ['../20260101000000_init'] })],
  ])('with %s is refused', (_what, text) => {
    expect(() => parseRelease(text)).toThrow();
  });

  it('is missed in a folder that holds no build', () => {
    expect(() => readRelease(newFolder('empty'))).toThrow('ENOENT');
  });
});
