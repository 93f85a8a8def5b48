// Watches a release for a while, by what its processes say of themselves: readiness, version, errors, deaths. What can't be
// measured is not healthy.
import { setTimeout as delay } from 'node:timers/promises';
import type { ReleaseDriver, RunningProcess } from '../../ops/releases/driver';
import type { HealthReport } from '../../workflows/contracts/releases';
import { isReady, readMetrics, readVersion, type Sample, sumOf } from './probes';
import { fail } from './refusals';

const LOOKS_EACH_MS = 500;
/** Of the requests, that may end with a server error; a few alone say nothing. */
const ERRORS_AT_MOST = 0.05;
const ERRORS_THAT_COUNT = 3;
/** A process that was killed is back by then. */
const UNHEALTHY_AT_MOST_MS = 20_000;
/** Somebody may kill a process meanwhile; a broken one dies again. */
const DEATHS_AT_MOST = 1;

interface Counts {
  requests: number;
  errors: number;
  nondeterministic: number;
}

export interface Watching {
  seconds: number;
  /** How long it may be unhealthy in between. */
  unhealthyMs?: number;
  beat(): void;
}

/** Throws a failure that says what is not healthy. */
export async function watchHealth(
  driver: ReleaseDriver,
  version: string,
  { seconds, ...watching }: Watching,
): Promise<HealthReport> {
  const { api, workers } = await untilHealthy(driver, version, watching);
  const before = await countAll([...api, ...workers]);
  let now = { api, workers };
  for (const until = Date.now() + seconds * 1000; Date.now() < until; await delay(LOOKS_EACH_MS)) {
    now = await untilHealthy(driver, version, watching);
  }
  const died = deathsOf([...now.api, ...now.workers]) - deathsOf([...api, ...workers]);
  if (died > DEATHS_AT_MOST)
    throw fail('processes_died', `Processes of ${version} died ${died} time(s) while they were watched.`);
  const after = await countAll([...now.api, ...now.workers]);
  // A process that was started again counts from zero.
  const requests = Math.max(after.requests - before.requests, 0);
  const errors = Math.max(after.errors - before.errors, 0);
  if (errors >= ERRORS_THAT_COUNT && errors > requests * ERRORS_AT_MOST) {
    throw fail('too_many_errors', `${errors} of ${requests} requests to ${version} ended with a server error.`);
  }
  const nondeterministic = after.nondeterministic - before.nondeterministic;
  if (nondeterministic > 0) {
    throw fail(
      'nondeterministic',
      `${version} can't continue ${nondeterministic} workflow task(s) (NonDeterminismError).`,
    );
  }
  return { api: now.api.length, workers: now.workers.length, requests, errors };
}

async function untilHealthy(
  driver: ReleaseDriver,
  version: string,
  { unhealthyMs = UNHEALTHY_AT_MOST_MS, beat }: Omit<Watching, 'seconds'>,
) {
  for (const deadline = Date.now() + unhealthyMs; ; await delay(LOOKS_EACH_MS)) {
    beat();
    try {
      return await observe(driver, version);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** All of them must be ready and of this version. */
async function observe(driver: ReleaseDriver, version: string) {
  const running = await driver.running();
  const workers = running.workers.filter((one) => one.version === version);
  const { api } = running;
  if (api.length === 0 || workers.length === 0) {
    throw fail('not_running', `No ${api.length === 0 ? 'API' : 'worker'} of ${version} runs.`);
  }
  const states = await Promise.all([...api, ...workers].map(isReady));
  if (!states.every(Boolean)) throw fail('not_ready', `A process of ${version} is not ready.`);
  const versions = await Promise.all(api.map(readVersion));
  const other = versions.find((one) => one !== version);
  if (other !== undefined) throw fail('other_version', `An API says that it is ${other ?? 'unknown'}, not ${version}.`);
  return { api, workers };
}

async function countAll(processes: RunningProcess[]): Promise<Counts> {
  const samples = await Promise.all(processes.map(readMetrics));
  if (samples.some((one) => one === null || one.length === 0)) {
    throw fail(
      'no_metrics',
      'A process gives no metrics, so nobody can tell whether it is healthy: check METRICS_HOST.',
    );
  }
  const all = samples.flat() as Sample[];
  const requests = 'countersign_http_request_duration_seconds_count';
  return {
    requests: sumOf(all, requests, () => true),
    errors: sumOf(all, requests, ({ status = '' }) => status.startsWith('5')),
    nondeterministic: sumOf(
      all,
      'temporal_workflow_task_execution_failed',
      (labels) => labels.failure_reason === 'NonDeterminismError',
    ),
  };
}

const deathsOf = (processes: RunningProcess[]) => processes.reduce((sum, { deaths }) => sum + deaths, 0);
