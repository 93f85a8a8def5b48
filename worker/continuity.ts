// Keeps the worker from acting before the database is known to be complete, and monitors it afterwards.
import { setTimeout as delay } from 'node:timers/promises';
import { holdMail, readHeld, readServer } from '../activities/continuity/hold';
import { type LookBackSources, lookBack } from '../activities/continuity/look-back';
import { remember } from '../activities/continuity/neighbours';
import type { Witness } from '../activities/continuity/witness';
import type { Logger } from '../ops/runtime/logging';
import { createOutage, type Outage } from '../ops/runtime/outage';
import type { Database } from '../prisma/client';

const LOOKS_EACH_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

export interface Continuity extends LookBackSources {
  witness: Witness;
  logger: Logger;
  watch: Watch;
}

export interface Watch {
  /** The server that was last found to lack nothing. */
  comparedServer: string | null;
}

/** Returns whether that server still answers, and its mail is not held. */
export async function isCompared(db: Database, { comparedServer }: Watch): Promise<boolean> {
  if (comparedServer === null) return false;
  const { server, isHeld } = await readServer(db);
  return server === comparedServer && !isHeld;
}

/**
 * Returns once the database is found complete, or an operator has adopted it; or at `stopping`.
 * @param whileHeld called with the reason, each second
 */
export async function awaitContinuity(
  dependencies: Continuity,
  stopping: AbortSignal,
  whileHeld: (code: string) => void,
): Promise<void> {
  const outage = createLookOutage(dependencies.logger);
  while (!stopping.aborted) {
    const wait = await look(dependencies).then(
      (code) => {
        outage.worked();
        if (code === null) return 0;
        whileHeld(code);
        return LOOKS_EACH_MS;
      },
      (err) => outage.failed(err),
    );
    if (wait === 0) return;
    await delay(wait, undefined, { signal: stopping }).catch(() => {});
  }
}

/** What the lane waits for before it works with another server than before. Throws if it can't be told. */
export async function compareNow(dependencies: Continuity): Promise<void> {
  await dependencies.witness.look();
  if ((await look(dependencies)) === WAIT) throw new Error('A restore is switching to this database.');
}

/** Looks each second whether known commits are still there, and compares everything again after a change of the server. */
export async function keepContinuity(dependencies: Continuity, stopping: AbortSignal): Promise<void> {
  const outage = createLookOutage(dependencies.logger);
  let isDue = false;
  while (!stopping.aborted) {
    const wait = await dependencies.witness
      .look()
      .then(async ({ isOtherServer }) => {
        isDue ||= isOtherServer;
        if (isDue) isDue = (await look(dependencies)) === WAIT;
        outage.worked();
        return LOOKS_EACH_MS;
      })
      .catch((err) => outage.failed(err));
    await delay(wait, undefined, { signal: stopping }).catch(() => {});
  }
}

/**
 * Compares the database with what is known, and holds its mail if it lacks something.
 * Returns why mail is held; null if it is not, and `wait` while that can't be told.
 */
async function look(dependencies: Continuity): Promise<string | null> {
  const { db } = dependencies;
  const held = await readHeld(db);
  if (held) return held.code;
  const { server } = await readServer(db);
  const { code, isSwitching, neighbours } = await lookBack(dependencies);
  if (isSwitching) return WAIT;
  if (code === null) {
    await remember(db, neighbours);
    dependencies.watch.comparedServer = server;
  } else if (code === 'other_timeline' && !(await isLeftAlone(dependencies))) return WAIT;
  else await holdMail(dependencies, code);
  return code;
}

const WAIT = 'wait';
/** Whoever saw the failover vouches for the new timeline within this time. */
const VOUCHED_WITHIN_MS = 5_000;

/** Waits for other processes, and returns whether the timeline is still another one then. */
async function isLeftAlone(dependencies: Continuity): Promise<boolean> {
  await delay(VOUCHED_WITHIN_MS);
  return (await lookBack(dependencies)).code === 'other_timeline';
}

function createLookOutage(logger: Logger): Outage {
  return createOutage({
    logger,
    began: 'The database could not be compared with what is known of it; a worker that starts waits for that',
    ended: 'The database has been compared with what is known of it',
    firstMs: LOOKS_EACH_MS,
    mostMs: LONGEST_RETRY_MS,
  });
}
