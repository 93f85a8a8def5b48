// Where releases are rolled out: what runs in this folder, brought up for as long as it is needed if nothing does.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { CommandFailed } from '../command';
import { bringUp } from '../recovery/bring-up';
import { EXIT } from '../recovery/exit';
import { connect, isElsewhere } from '../recovery/running';
import { isHostThere, NO_HOST } from './runs';

/** A host that has just begun is known in a moment. */
const HOST_WITHIN_MS = 15_000;
/** It begins at that moment. */
const BROUGHT_UP_WITHIN_MS = 60_000;

/**
 * Works with Temporal's client, where Temporal answers and a host is there. A release that can't become ready keeps
 * `npm start` from coming up, and is then the very reason to roll back: so what is needed is brought up without it.
 */
export async function withHost<T>(work: (temporal: Client) => Promise<T>, env = process.env): Promise<T> {
  const found = await connect(env).catch((error) => {
    if (isElsewhere(env) || !(error instanceof CommandFailed) || error.code !== 'not_running') throw error;
    return null;
  });
  if (found) return work(await requireHost(found, HOST_WITHIN_MS));
  const own = await bringUp('releasing');
  try {
    return await work(await requireHost(await connect(env), BROUGHT_UP_WITHIN_MS));
  } finally {
    await own.end();
  }
}

async function requireHost(temporal: Client, withinMs: number): Promise<Client> {
  for (const deadline = Date.now() + withinMs; !(await isHostThere(temporal)); await delay(500)) {
    if (Date.now() > deadline) throw new CommandFailed('releases_unavailable', NO_HOST, EXIT.refused);
  }
  return temporal;
}
