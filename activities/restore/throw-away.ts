// Gives a drill a home of its own for the steps of a restore: nothing that they do reaches the living database, files, mailbox,
// Redis, or anything under BACKUP_URL.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endBeside } from '../../ops/local/beside';
import { clusterFolders } from '../../ops/local/clusters';
import type { RecoveryTools } from '../../ops/recovery/tools';
import { openObjectStore } from '../../ops/runtime/object-store';
import type { SignedStore } from '../../ops/runtime/signed-store';

const MADE = /^drill-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const throwAwayHome = (home: string, drillId: string): string => join(home, `drill-${drillId}`);

/** Makes the home if it is not there. The tools are those of the host, but for all that they could write to. */
export function openThrowAway(tools: RecoveryTools, drillId: string): RecoveryTools {
  const home = throwAwayHome(tools.host.home, drillId);
  // The cluster's own user passes through.
  mkdirSync(home, { recursive: true, mode: 0o711 });
  const { MAILBOX_PATH } = tools.settings;
  return {
    ...tools,
    host: { ...tools.host, home },
    // Its configuration names the living cluster, for which it archives.
    pgbackrest: { ...tools.pgbackrest, configure() {} },
    backups: withoutWrites(tools.backups),
    files: openObjectStore(pathToFileURL(join(home, 'files')).href),
    settings: {
      ...tools.settings,
      MAILBOX_PATH: MAILBOX_PATH && join(home, 'mailbox'),
      REDIS_URL: undefined,
      HUBSPOT_ACCESS_TOKEN: undefined,
      POSTGRES_START: undefined,
    },
  };
}

/** Ends what runs there, and removes it. */
export async function removeThrowAway(home: string): Promise<void> {
  for (const cluster of clusterFolders(home)) await endBeside(cluster);
  rmSync(home, { recursive: true, force: true });
}

/** Removes what drills have left that were terminated. Only under the lock of operations, which a drill holds too. */
export async function removeLeftThrowAways(home: string, own?: string): Promise<void> {
  if (!existsSync(home)) return;
  for (const name of readdirSync(home)) {
    if (MADE.test(name) && join(home, name) !== own) await removeThrowAway(join(home, name));
  }
}

/** Reads the store, and lets every write come to nothing. */
function withoutWrites(store: SignedStore): SignedStore {
  return { ...store, put: async () => {}, delete: async () => {}, tidy: async () => {} };
}
