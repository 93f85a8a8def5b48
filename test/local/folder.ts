// A folder of a test's own that goes with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testServers } from '../support/servers';

export function ownFolder(): string {
  const folder = mkdtempSync(join(testServers().folder, 'local-'));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
});
