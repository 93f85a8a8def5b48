// Runs releases as processes of one machine: it writes down which are to run, and the supervisor of `npm start` starts and
// stops them (ops/local/kept-releases.ts).
import { join } from 'node:path';
import type { ReleaseDriver } from '../driver';
import { runProgramIn } from '../programs';
import { readRelease } from '../release';
import { folderOf, type ReleaseFolders } from './folders';
import { readRunning, readWanted, writeWanted } from './records';

/** One that has not become ready by then never will. */
const READY_WITHIN_MS = 90_000;
const NOTHING = { api: [], trial: [], workers: [] };

export function createProcessDriver(folders: ReleaseFolders): ReleaseDriver {
  const { folder, root } = folders;
  const requireFolder = (version: string) => {
    const found = folderOf(folders, version);
    if (!found) throw new Error(`The release ${version} is gone: ${join(folder, version)} holds no build`);
    return found;
  };
  return {
    name: 'process',
    readyWithinMs: READY_WITHIN_MS,
    async find(version) {
      const found = folderOf(folders, version);
      return found ? readRelease(found) : null;
    },
    run: async ({ version, ...program }) => runProgramIn(requireFolder(version), program),
    async wanted() {
      const own = () => readRelease(root).version;
      return readWanted(folder) ?? { api: own(), trial: null, workers: [{ version: own(), buildId: null }] };
    },
    async want(wanted) {
      for (const version of [wanted.api, wanted.trial, ...wanted.workers.map((one) => one.version)]) {
        if (version !== null) requireFolder(version);
      }
      writeWanted(folder, wanted);
    },
    running: async () => readRunning(folder) ?? NOTHING,
  };
}
