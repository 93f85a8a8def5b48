// Where Countersign runs: what the environment names, else what `npm start` runs in this folder.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { CommandFailed } from '../command';
import { PACKAGE_ROOT } from '../runtime/package-root';
import { openTemporalClient } from '../runtime/temporal';
import { pingTemporal, troubleOf } from '../runtime/trouble';
import { bringUp } from './bring-up';
import { EXIT } from './exit';
import { readJson } from './settings';
import { isToolWorkerThere, NO_TOOLS } from './tool-workers';

const ANSWERS_WITHIN_MS = 5_000;
/** A worker that has just begun is known in a moment. */
const WORKER_WITHIN_MS = 3_000;
/** It begins at that moment. */
const BROUGHT_UP_WITHIN_MS = 60_000;

/** Temporal's client, where Temporal answers and a worker with the tools is there. Throws CommandFailed with the remedy. */
export async function ensureRunning(
  env: NodeJS.ProcessEnv = process.env,
  root = PACKAGE_ROOT,
  withinMs = WORKER_WITHIN_MS,
): Promise<Client> {
  const temporal = await connect(env, root);
  const deadline = Date.now() + withinMs;
  while (!(await isToolWorkerThere(temporal))) {
    if (Date.now() > deadline) throw new CommandFailed('backups_unavailable', NO_TOOLS, EXIT.refused);
    await delay(500);
  }
  return temporal;
}

/** Where nothing runs in this folder, what is needed is brought up, and ended afterwards. */
export async function withRunning<T>(work: (temporal: Client) => Promise<T>, env = process.env): Promise<T> {
  const found = await connect(env).catch((error) => {
    if (isElsewhere(env) || !(error instanceof CommandFailed) || error.code !== 'not_running') throw error;
    return null;
  });
  await found?.connection.close();
  const own = found ? null : await bringUp('restoring');
  try {
    return await work(await ensureRunning(env, PACKAGE_ROOT, own ? BROUGHT_UP_WITHIN_MS : WORKER_WITHIN_MS));
  } finally {
    await own?.end();
  }
}

/** Whether the environment names another place than this folder. */
export const isElsewhere = (env: NodeJS.ProcessEnv): boolean =>
  Boolean(env.TEMPORAL_ADDRESS || env.TEMPORAL_PROFILE || env.TEMPORAL_CONFIG_FILE || env.DATABASE_URL);

/** Temporal's client, where Temporal answers. */
export async function connect(env: NodeJS.ProcessEnv = process.env, root = PACKAGE_ROOT): Promise<Client> {
  const temporal = openClient(env, root);
  const trouble = await troubleOf(() => pingTemporal(temporal, ANSWERS_WITHIN_MS), ANSWERS_WITHIN_MS);
  if (trouble === null) return temporal;
  throw new CommandFailed(
    'not_running',
    `Countersign isn't running: Temporal does not answer (${trouble}). \`npm start\`, or look after the Temporal that TEMPORAL_ADDRESS names.`,
  );
}

function openClient(env: NodeJS.ProcessEnv, root: string): Client {
  if (env.TEMPORAL_ADDRESS || env.TEMPORAL_PROFILE || env.TEMPORAL_CONFIG_FILE) return openTemporalClient();
  const { temporal } = readJson(join(root, '.countersign', 'runtime.json'));
  if (!temporal) {
    throw new CommandFailed(
      'not_running',
      "Countersign isn't running: `npm start`, or set TEMPORAL_ADDRESS where it runs elsewhere.",
    );
  }
  // What a profile or the shell says of another Temporal is not for this one.
  return new Client({
    connection: Connection.lazy({ address: new URL(temporal).host, interceptors: [] }),
    namespace: env.TEMPORAL_NAMESPACE || 'default',
  });
}
