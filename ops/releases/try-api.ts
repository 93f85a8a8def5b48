// Starts this release's API on the database that it is given, until it is ready, and ends it: part of a rehearsal.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isReady } from '../../activities/releases/probes';
import { type Command, CommandFailed, printDocument, runCommand, WrongUsage } from '../command';
import { freePort } from '../local/ports';
import { hasEnded } from '../local/server';
import { PACKAGE_ROOT, VERSION } from '../runtime/package-root';

const READY_WITHIN_MS = 60_000;
const LOOKS_EACH_MS = 100;
const LOOPBACK = '127.0.0.1';

export const tryApiCommand: Command = {
  help: `Starts the API of this release on DATABASE_URL, on free ports of loopback, until it is ready.

  node dist/ops/releases/try-api.js

Prints one JSON document. Exit codes: 0 it became ready, 1 it did not.`,
  usage: 'node dist/ops/releases/try-api.js',
  failed: 1,
  async run(args) {
    if (args.length > 0) throw new WrongUsage('It takes no options.');
    const begun = Date.now();
    const port = await freePort();
    const api = { url: `http://${LOOPBACK}:${port}` };
    const env = {
      ...process.env,
      HOST: LOOPBACK,
      PORT: String(port),
      METRICS_HOST: LOOPBACK,
      METRICS_PORT: String(await freePort(0, new Set([port]))),
    };
    const script = join(PACKAGE_ROOT, 'dist', 'api', 'main.js');
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    try {
      while (!(await isReady(api))) {
        if (hasEnded(child)) throw new CommandFailed('ended', 'The API ended while it was starting.');
        if (Date.now() > begun + READY_WITHIN_MS) throw new CommandFailed('not_ready', 'The API did not become ready.');
        await delay(LOOKS_EACH_MS);
      }
    } finally {
      if (!hasEnded(child)) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
    }
    printDocument({ version: VERSION, readyAfterSeconds: (Date.now() - begun) / 1000 });
    return 0;
  },
};

if (require.main === module) runCommand(tryApiCommand);
