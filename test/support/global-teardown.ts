import { rmSync } from 'node:fs';
import type { RunningServers } from './global-setup';
import { endLeftovers, noteEnd } from './leftovers.cjs';

export default async function tearDown(): Promise<void> {
  const { folder, servers } = (globalThis as unknown as { countersignTestServers: RunningServers })
    .countersignTestServers;
  for (const server of servers) {
    await server.stop();
    noteEnd(folder, server.pid);
  }
  const left = endLeftovers(folder);
  // Whoever made it, for instance test/run.mjs, may still look into it.
  if (!process.env.COUNTERSIGN_TEST_FOLDER) rmSync(folder, { recursive: true, force: true });
  if (left.length > 0) throw new Error(`The tests left processes behind, which were ended:\n${left.join('\n')}`);
}
