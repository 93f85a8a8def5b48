// A folder of a test's own that goes with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testServers } from '../support/servers';

export function ownFolder(): string {
  const folder = mkdtempSync(join(testServers().folder, 'local-'));
  folders.push(folder);
  return folder;
}

/** Ends what writes into the folder, before it is removed: this hook runs before those of the test's own file. */
export const endBeforeRemoval = (end: () => Promise<void>): void => void ends.push(end);

const folders: string[] = [];
const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends) await end();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
