// Says which releases are to run, and waits until they do.
import { setTimeout as delay } from 'node:timers/promises';
import type { ReleaseDriver, Running, RunningProcess, Wanted } from '../../ops/releases/driver';
import type { ReleaseName } from '../../workflows/contracts/releases';
import { isReady } from './probes';
import { fail } from './refusals';

/** Longer than a worker may take to give back its work (SHUTDOWN_DRAIN_SECONDS). */
const GONE_WITHIN_MS = 15 * 60_000;
const LOOKS_EACH_MS = 200;
/** One that dies as often while it starts is broken. */
const DEATHS_AT_MOST = 3;

export interface Waiting {
  /** Called at each look; throws if the step was cancelled. */
  beat(): void;
  /** Gives up waiting silently instead of failing: what is undone must come to its end. */
  orGoOn?: boolean;
}

/** Changes a part of what is wanted, and leaves the rest. */
export async function want(driver: ReleaseDriver, change: (wanted: Wanted) => Partial<Wanted>): Promise<void> {
  const wanted = await driver.wanted();
  await driver.want({ ...wanted, ...change(wanted) });
}

/** Adds the workers of a release beside those that run. */
export async function startWorkers(driver: ReleaseDriver, release: ReleaseName, waiting: Waiting): Promise<void> {
  await want(driver, ({ workers }) => ({ workers: [...without(workers, release), named(release)] }));
  await untilReady(driver, 'workers', release.version, waiting);
}

export async function stopWorkers(driver: ReleaseDriver, release: ReleaseName, waiting: Waiting): Promise<void> {
  await want(driver, ({ workers }) => ({ workers: without(workers, release) }));
  await untilGone(driver, ({ workers }) => workers.filter(({ version }) => version === release.version), waiting);
}

/** Stops the workers of every other release. */
export async function keepOnlyWorkers(driver: ReleaseDriver, release: ReleaseName, waiting: Waiting): Promise<void> {
  await want(driver, () => ({ workers: [named(release)] }));
  await untilGone(driver, ({ workers }) => workers.filter(({ version }) => version !== release.version), waiting);
}

/** Gives requests to the API of this release, and to no other. */
export async function serve(driver: ReleaseDriver, { version }: ReleaseName, waiting: Waiting): Promise<void> {
  await want(driver, () => ({ api: version, trial: null }));
  await untilReady(driver, 'api', version, waiting);
  await untilGone(driver, ({ api }) => api.filter((one) => one.version !== version), waiting);
}

export async function takeTrafficOut(driver: ReleaseDriver, waiting: Waiting): Promise<void> {
  await want(driver, () => ({ api: null, trial: null }));
  await untilGone(driver, ({ api, trial }) => [...api, ...trial], waiting);
}

/** Starts the API of a release without requests, until it is ready; it goes on until `endTrial`. */
export async function tryApi(driver: ReleaseDriver, { version }: ReleaseName, waiting: Waiting): Promise<void> {
  await want(driver, () => ({ trial: version }));
  await untilReady(driver, 'trial', version, waiting);
}

export async function endTrial(driver: ReleaseDriver, waiting: Waiting): Promise<void> {
  await want(driver, () => ({ trial: null }));
  await untilGone(driver, ({ trial }) => trial, waiting);
}

async function untilReady(
  driver: ReleaseDriver,
  kind: keyof Running,
  version: string,
  { beat, orGoOn }: Waiting,
): Promise<void> {
  const { readyWithinMs } = driver;
  for (const deadline = Date.now() + readyWithinMs; ; await delay(LOOKS_EACH_MS)) {
    beat();
    const found = (await driver.running())[kind].filter((one) => one.version === version);
    const isWhole = found.length > 0 && (await Promise.all(found.map(isReady))).every(Boolean);
    if (isWhole) return;
    const isBroken = found.some(({ deaths }) => deaths >= DEATHS_AT_MOST);
    if (!isBroken && Date.now() < deadline) continue;
    if (orGoOn) return;
    const why = isBroken ? 'dies again and again' : `is not ready after ${readyWithinMs / 1000} s`;
    throw fail('not_ready', `The ${NAMES[kind]} of ${version} ${why}: read its log.`);
  }
}

async function untilGone(
  driver: ReleaseDriver,
  left: (running: Running) => RunningProcess[],
  { beat, orGoOn }: Waiting,
): Promise<void> {
  for (const deadline = Date.now() + GONE_WITHIN_MS; ; await delay(LOOKS_EACH_MS)) {
    beat();
    const running = left(await driver.running());
    if (running.length === 0 || (orGoOn && Date.now() > deadline)) return;
    if (Date.now() > deadline) {
      throw fail('not_stopped', `A process of ${running[0]?.version} does not end: end it, and try again.`);
    }
  }
}

const NAMES = { api: 'API', trial: 'API', workers: 'worker' };
const named = ({ version, buildId }: ReleaseName) => ({ version, buildId });
const without = (workers: Wanted['workers'], { version }: ReleaseName) =>
  workers.filter((one) => one.version !== version);
