// A stopped cluster that has the migrated template: servers of a test's own begin as copies of it, since to make one takes
// seconds.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE, ensureDatabase } from '../../ops/local/database';
import { onServer } from './database';
import { testServers } from './servers';

const SEED = 'seed';
/** Of the home of a cluster (ops/local/clusters.ts). */
const PARTS = ['data', 'password'];

/** @param home of the cluster that is stopped */
export function keepSeed(runFolder: string, home: string): void {
  copyParts(home, join(runFolder, SEED));
}

/** The beginning of a cluster's home. */
export function seedCluster(home: string): void {
  copyParts(join(testServers().folder, SEED), home);
}

/** With their owner, who is not always the one that runs the tests. */
function copyParts(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  execFileSync('cp', ['-Rp', ...PARTS.map((part) => join(from, part)), to]);
}

/** Names the template so, on a server that began as a copy. @returns its URL as its owner, who has another password there */
export async function nameMigrated(server: string, name: string = DATABASE): Promise<string> {
  await onServer(server, `ALTER DATABASE ${testServers().template} RENAME TO ${name}`);
  return ensureDatabase(server, name);
}
