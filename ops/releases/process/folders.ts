// Keeps the folders of releases side by side: each holds a build with its dependencies, and is never changed again.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { CommandFailed } from '../../command';
import { EXIT } from '../../recovery/exit';
import { type Release, readRelease, releaseFile } from '../release';

/** Not part of a release. */
const LEFT_OUT = ['.git', '.countersign', 'node_modules'];

export interface ReleaseFolders {
  /** Below which each release has its folder. */
  folder: string;
  /** The clone that `npm start` runs in: the release before the first deployment. */
  root: string;
}

/** Returns the folder of a release, or null if it is gone. */
export function folderOf({ folder, root }: ReleaseFolders, version: string): string | null {
  const own = join(folder, version);
  if (existsSync(releaseFile(own))) return own;
  return existsSync(releaseFile(root)) && readRelease(root).version === version ? root : null;
}

export interface KeepRelease {
  version: string;
  /** A folder with the release's sources, built or not. */
  from?: string | undefined;
  /** Without a folder: the commit of the clone; that of the version's tag unless given. */
  commit?: string;
  /** Installs and builds in the folder what is missing there. The commit is null if nobody knows it. */
  build(folder: string, commit: string | null): Promise<void>;
}

/** Makes the folder of a release, unless it is there. Throws CommandFailed with the remedy. */
export async function keepRelease(
  folders: ReleaseFolders,
  { version, from, commit: given, build }: KeepRelease,
): Promise<Release> {
  const target = join(folders.folder, version);
  if (existsSync(releaseFile(target))) return readRelease(target);
  const fresh = join(folders.folder, `.${version}.making`);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true, mode: 0o711 });
  try {
    if (from) copyFolder(from, fresh);
    const commit = from ? commitOf(from, 'HEAD') : (given ?? findTag(folders.root, version));
    if (!from) exportCommit(folders.root, commit as string, fresh);
    await build(fresh, commit);
    const release = readRelease(fresh);
    if (release.version !== version) {
      throw new CommandFailed(
        'other_version',
        `The sources are of version ${release.version}, not ${version}: correct "version" in their package.json, or name that version.`,
      );
    }
    renameSync(fresh, target);
    return release;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Null if the folder is no clone, or has no such commit. */
function commitOf(folder: string, name: string): string | null {
  if (!existsSync(join(folder, '.git'))) return null;
  const { status, stdout } = spawnSync('git', ['rev-parse', '--verify', '--quiet', `${name}^{commit}`], {
    cwd: folder,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : null;
}

function findTag(root: string, version: string): string {
  for (const tag of [`v${version}`, version]) {
    const commit = commitOf(root, `refs/tags/${tag}`);
    if (commit !== null) return commit;
  }
  throw new CommandFailed(
    'unknown_release',
    `The clone has no tag v${version}: fetch it (git fetch --tags), or name a folder with the release by --from.`,
    EXIT.refused,
  );
}

function exportCommit(root: string, commit: string, target: string): void {
  const archive = join(target, '.archive.tar');
  for (const [program, ...args] of [
    ['git', '-C', root, 'archive', '--output', archive, commit],
    ['tar', '-x', '-f', archive, '-C', target],
  ] as [string, ...string[]][]) {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) {
      throw new CommandFailed('export_failed', `The commit ${commit} could not be unpacked: ${stderr.trim()}`);
    }
  }
  rmSync(archive);
}

/** Dependencies are linked, not copied: npm replaces a file, and never writes into one. */
function copyFolder(from: string, target: string): void {
  for (const name of readdirSync(from)) {
    if (!LEFT_OUT.includes(name)) cpSync(join(from, name), join(target, name), { recursive: true });
  }
  const dependencies = join(from, 'node_modules');
  if (existsSync(dependencies)) linkTree(dependencies, join(target, 'node_modules'));
}

function linkTree(from: string, to: string): void {
  if (lstatSync(from).isSymbolicLink()) {
    symlinkSync(realpathSync(from), to);
    return;
  }
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isFile()) linkFile(source, target);
    else cpSync(source, target, { verbatimSymlinks: true });
  }
}

function linkFile(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    // Another file system, or one without links.
    cpSync(source, target);
  }
}
