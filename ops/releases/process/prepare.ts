// Makes the folder of a release that is to be rolled out, and keeps that of the release that serves, for the way back.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CommandFailed } from '../../command';
import { EXIT } from '../../recovery/exit';
import { PACKAGE_ROOT } from '../../runtime/package-root';
import { type Release, readRelease, releaseFile } from '../release';
import { folderOf, keepRelease, type ReleaseFolders } from './folders';
import { RELEASES_FOLDER, readWanted } from './records';

export interface Prepare {
  version: string;
  /** A folder with its sources; else its tag is taken from the clone. */
  from?: string | undefined;
  /** Goes on if the release that serves can't be kept. */
  noWayBack: boolean;
}

const foldersHere = (root = PACKAGE_ROOT): ReleaseFolders => ({
  folder: process.env.RELEASES_FOLDER || join(root, '.countersign', RELEASES_FOLDER),
  root,
});

/** Throws CommandFailed with the remedy. What it prints goes to stderr. */
export async function prepareRelease({ version, from, noWayBack }: Prepare): Promise<Release> {
  if (from !== undefined && !existsSync(join(from, 'package.json'))) {
    throw new CommandFailed('no_sources', `${from} holds no release: it has no package.json.`, EXIT.refused);
  }
  const folders = foldersHere();
  const release = await keepRelease(folders, { version, from, build });
  if (!noWayBack) await keepServing(folders);
  return release;
}

/** Before the first deployment the clone itself serves, and its files change with the next `git pull`. */
async function keepServing(folders: ReleaseFolders): Promise<void> {
  const { root } = folders;
  const serving = readWanted(folders.folder)?.api ?? readRelease(root).version;
  if (folderOf(folders, serving) !== root) return;
  const built = readRelease(root);
  const isUnchanged = await isBuiltHere(root);
  if (!isUnchanged && built.commit === null) throw unkept(serving);
  const from = isUnchanged ? { from: root } : { commit: built.commit as string };
  const kept = await keepRelease(folders, { version: serving, ...from, build });
  if (kept.buildId !== built.buildId) throw unkept(serving);
}

const unkept = (version: string) =>
  new CommandFailed(
    'no_way_back',
    `The release ${version} that serves was built of sources that this folder no longer has, so it can't be kept for a rollback. Check them out again, or go on with --no-way-back.`,
    EXIT.refused,
  );

/** Whether the build in the folder is one of the sources that it has now. */
async function isBuiltHere(root: string): Promise<boolean> {
  const { isBuilt }: { isBuilt(): boolean } = await import(pathToFileURL(join(root, 'ops', 'build.mjs')).href);
  return isBuilt();
}

async function build(folder: string, commit: string | null): Promise<void> {
  for (const script of ['install', 'build']) {
    const child = spawn(process.execPath, [join(folder, 'ops', `${script}.mjs`)], {
      cwd: folder,
      env: { ...process.env, ...(commit === null ? {} : { SOURCE_COMMIT: commit }) },
      stdio: ['ignore', process.stderr, process.stderr],
    });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new CommandFailed('build_failed', 'The release could not be built: see above.');
  }
  if (!existsSync(releaseFile(folder))) {
    throw new CommandFailed('too_old', 'The release is older than deployments are: its build does not describe it.');
  }
}
