// Release folders side by side: made whole or not at all, from a folder or from a tag.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createProcessDriver } from '../../ops/releases/process/driver';
import { folderOf, type KeepRelease, keepRelease, type ReleaseFolders } from '../../ops/releases/process/folders';
import { newFolder } from '../support/environment';
import { describeBuild, writeBuild } from './release-folders';

let folders: ReleaseFolders;
beforeEach(() => {
  const home = newFolder('releases');
  folders = { folder: join(home, 'releases'), root: join(home, 'clone') };
  mkdirSync(folders.folder);
  mkdirSync(folders.root);
});

/** Builds what a release of its package.json is, as the scripts of a release do. */
const build: KeepRelease['build'] = async (folder, commit) => {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  writeBuild(folder, { ...describeBuild(version), commit });
};
const notBuilt: KeepRelease['build'] = async () => {
  throw new Error('It was built again');
};

function writeSources(folder: string, version: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ version }));
  writeFileSync(join(folder, 'code.ts'), `// ${version}`);
}

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@countersign.example', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...identity, ...args], { cwd: folders.root, encoding: 'utf8' }).trim();
}

function commit(version: string, tag?: string): string {
  if (!existsSync(join(folders.root, '.git'))) git('init', '--quiet');
  writeSources(folders.root, version);
  git('add', '.');
  git('commit', '--quiet', '--message', `Release ${version}`);
  if (tag) git('tag', tag);
  return git('rev-parse', 'HEAD');
}

const left = () => readdirSync(folders.folder).sort();

describe('a release made from a folder', () => {
  it('holds the sources, links the dependencies, and leaves out what is no part of it', async () => {
    const from = newFolder('sources');
    writeSources(from, '1.2.3');
    for (const name of ['.countersign', 'node_modules/a/lib']) mkdirSync(join(from, name), { recursive: true });
    writeFileSync(join(from, '.countersign', 'runtime.json'), '{}');
    writeFileSync(join(from, 'node_modules', 'a', 'lib', 'index.js'), '');
    mkdirSync(join(from, 'node_modules', '.bin'));
    symlinkSync('../a/lib/index.js', join(from, 'node_modules', '.bin', 'a'));
    const release = await keepRelease(folders, { version: '1.2.3', from, build });
    const own = join(folders.folder, '1.2.3');
    expect(release).toEqual({ ...describeBuild('1.2.3'), commit: null });
    expect(readdirSync(own).sort()).toEqual(['code.ts', 'dist', 'node_modules', 'package.json']);
    const [given, linked] = [from, own].map((root) => statSync(join(root, 'node_modules', 'a', 'lib', 'index.js')).ino);
    expect(linked).toBe(given);
    expect(lstatSync(join(own, 'node_modules', '.bin', 'a')).isSymbolicLink()).toBe(true);
    expect(existsSync(join(own, 'node_modules', '.bin', 'a'))).toBe(true);
    expect(left()).toEqual(['1.2.3']);
  });

  it('points to dependencies that are a link themselves', async () => {
    const [from, dependencies] = [newFolder('sources'), newFolder('dependencies')];
    writeSources(from, '1.2.3');
    writeFileSync(join(dependencies, 'index.js'), '');
    symlinkSync(dependencies, join(from, 'node_modules'));
    await keepRelease(folders, { version: '1.2.3', from, build });
    expect(existsSync(join(folders.folder, '1.2.3', 'node_modules', 'index.js'))).toBe(true);
    expect(lstatSync(join(folders.folder, '1.2.3', 'node_modules')).isSymbolicLink()).toBe(true);
  });

  it('is not changed by a change of the sources afterwards', async () => {
    const from = newFolder('sources');
    writeSources(from, '1.2.3');
    await keepRelease(folders, { version: '1.2.3', from, build });
    writeFileSync(join(from, 'code.ts'), 'changed');
    expect(readFileSync(join(folders.folder, '1.2.3', 'code.ts'), 'utf8')).toBe('// 1.2.3');
  });

  it('knows the commit of a clone', async () => {
    const head = commit('1.2.3');
    const { commit: known } = await keepRelease(folders, { version: '1.2.3', from: folders.root, build });
    expect(known).toBe(head);
  });

  it('is refused if its sources are of another version, and nothing is left', async () => {
    const from = newFolder('sources');
    writeSources(from, '1.2.4');
    await expect(keepRelease(folders, { version: '1.2.3', from, build })).rejects.toMatchObject({
      code: 'other_version',
      message: expect.stringContaining('of version 1.2.4, not 1.2.3'),
    });
    expect(left()).toEqual([]);
  });
});

describe('a release made from a tag', () => {
  it.each(['v1.2.3', '1.2.3'])('is that of the tag %s, whatever the clone holds by now', async (tag) => {
    const tagged = commit('1.2.3', tag);
    commit('1.3.0', 'v1.3.0');
    writeFileSync(join(folders.root, 'code.ts'), 'not committed');
    const { commit: known, version } = await keepRelease(folders, { version: '1.2.3', build });
    expect([version, known]).toEqual(['1.2.3', tagged]);
    const own = join(folders.folder, '1.2.3');
    expect(readFileSync(join(own, 'code.ts'), 'utf8')).toBe('// 1.2.3');
    expect(readdirSync(own).sort()).toEqual(['code.ts', 'dist', 'package.json']);
  });

  it('is that of a commit that is named', async () => {
    const first = commit('1.2.3');
    commit('1.3.0');
    await keepRelease(folders, { version: '1.2.3', commit: first, build });
    expect(readFileSync(join(folders.folder, '1.2.3', 'code.ts'), 'utf8')).toBe('// 1.2.3');
  });

  it('is refused if there is no such tag, with the remedy, and nothing is left', async () => {
    commit('1.2.3', 'v1.2.3');
    git('branch', 'v9.9.9');
    await expect(keepRelease(folders, { version: '9.9.9', build })).rejects.toMatchObject({
      code: 'unknown_release',
      exitCode: 3,
      message: expect.stringContaining('git fetch --tags'),
    });
    expect(left()).toEqual([]);
  });

  it('is refused where there is no clone', async () => {
    await expect(keepRelease(folders, { version: '1.2.3', build })).rejects.toMatchObject({ code: 'unknown_release' });
  });

  it('is refused if its commit is gone', async () => {
    commit('1.2.3');
    const gone = keepRelease(folders, { version: '1.2.3', commit: '0'.repeat(40), build });
    await expect(gone).rejects.toMatchObject({ code: 'export_failed' });
    expect(left()).toEqual([]);
  });
});

describe('the folder of a release', () => {
  it('is made once: a repeat builds nothing', async () => {
    commit('1.2.3', 'v1.2.3');
    const first = await keepRelease(folders, { version: '1.2.3', build });
    expect(await keepRelease(folders, { version: '1.2.3', build: notBuilt })).toEqual(first);
  });

  it('is made anew if the last making was interrupted', async () => {
    commit('1.2.3', 'v1.2.3');
    const half = join(folders.folder, '.1.2.3.making');
    writeBuild(half, describeBuild('1.2.3'));
    writeFileSync(join(half, 'half.ts'), '');
    expect(folderOf(folders, '1.2.3')).not.toBe(half);
    await keepRelease(folders, { version: '1.2.3', build });
    expect(existsSync(join(folders.folder, '1.2.3', 'half.ts'))).toBe(false);
    expect(left()).toEqual(['1.2.3']);
  });

  it('is not left behind by a build that fails', async () => {
    commit('1.2.3', 'v1.2.3');
    const failed = keepRelease(folders, {
      version: '1.2.3',
      build: async (folder) => {
        writeBuild(folder, describeBuild('1.2.3'));
        throw new Error('The compiler failed');
      },
    });
    await expect(failed).rejects.toThrow('The compiler failed');
    expect([left(), folderOf(folders, '1.2.3')]).toEqual([[], null]);
  });

  it('of the clone serves for the version that the clone is built as, until that has a folder of its own', async () => {
    commit('1.2.3');
    writeBuild(folders.root, describeBuild('1.2.3'));
    expect([folderOf(folders, '1.2.3'), folderOf(folders, '1.2.4')]).toEqual([folders.root, null]);
    await keepRelease(folders, { version: '1.2.3', from: folders.root, build });
    expect(folderOf(folders, '1.2.3')).toBe(join(folders.folder, '1.2.3'));
  });
});

describe('the process driver', () => {
  it('finds a release whose folder is there, and runs the release of the clone before the first deployment', async () => {
    writeBuild(folders.root, describeBuild('1.2.3'));
    writeBuild(join(folders.folder, '1.3.0'), describeBuild('1.3.0'));
    const driver = createProcessDriver(folders);
    expect([await driver.find('1.3.0'), await driver.find('9.9.9')]).toEqual([describeBuild('1.3.0'), null]);
    const first = { api: '1.2.3', trial: null, workers: [{ version: '1.2.3', buildId: null }] };
    expect(await driver.wanted()).toEqual(first);
    expect(await driver.running()).toEqual({ api: [], trial: [], workers: [] });
  });

  it('wants no release whose folder is gone, and leaves what was wanted', async () => {
    writeBuild(folders.root, describeBuild('1.2.3'));
    const driver = createProcessDriver(folders);
    const wanted = { api: null, trial: null, workers: [{ version: '1.2.3', buildId: null }] };
    await driver.want(wanted);
    for (const changed of [{ api: '9.9.9' }, { trial: '9.9.9' }, { workers: [{ version: '9.9.9', buildId: 'x' }] }]) {
      await expect(driver.want({ ...wanted, ...changed })).rejects.toThrow('The release 9.9.9 is gone');
    }
    expect(await driver.wanted()).toEqual(wanted);
    await expect(driver.run({ version: '9.9.9', program: 'replay' })).rejects.toThrow('The release 9.9.9 is gone');
  });
});
