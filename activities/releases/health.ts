// Watches a release for a while, by what its processes say of themselves: readiness, version, errors, deaths. What can't be
// measured is not healthy.
import { setTimeout as delay } from 'node:timers/promises';
import type { ReleaseDriver, RunningProcess } from '../../ops/releases/driver';
import { HTTP_REQUESTS } from '../../ops/runtime/metrics';
import type { HealthReport } from '../../workflows/contracts/releases';
import { isReady, readMetrics, readVersion, type Sample, sumOf } from './probes';
import { fail } from './refusals';

const LOOKS_EACH_MS = 500;
/** This share of the requests may end with a server error. Fewer errors than the number below say nothing. */
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
  looksEachMs?: number;
  /** Called before each look; throws if the step was cancelled. */
  beat(): void;
}

interface Looks extends Required<Omit<Watching, 'seconds'>> {
  driver: ReleaseDriver;
  version: string;
}

/** Throws a failure that says what is not healthy. */
export async function watchHealth(
  driver: ReleaseDriver,
  version: string,
  { seconds, ...watching }: Watching,
): Promise<HealthReport> {
  const looks: Looks = {
    driver,
    version,
    unhealthyMs: UNHEALTHY_AT_MOST_MS,
    looksEachMs: LOOKS_EACH_MS,
    ...watching,
  };
  const before = await patiently(looks, measure);
  for (const until = Date.now() + seconds * 1000; Date.now() < until; await delay(looks.looksEachMs)) {
    await patiently(looks, observe);
  }
  const { api, workers, deaths, counts } = await patiently(looks, measure);
  const died = deaths - before.deaths;
  if (died > DEATHS_AT_MOST)
    throw fail('processes_died', `Processes of ${version} died ${died} time(s) while they were watched.`);
  const { requests, errors, nondeterministic } = countSince(before.counts, counts);
  if (errors >= ERRORS_THAT_COUNT && errors > requests * ERRORS_AT_MOST) {
    throw fail('too_many_errors', `${errors} of ${requests} requests to ${version} ended with a server error.`);
  }
  if (nondeterministic > 0) {
    throw fail(
      'nondeterministic',
      `${version} can't continue ${nondeterministic} workflow task(s) (NonDeterminismError).`,
    );
  }
  return { api: api.length, workers: workers.length, requests, errors };
}

/** Throws what the look threw last, if none succeeded in time. */
async function patiently<T>(looks: Looks, look: (looks: Looks) => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + looks.unhealthyMs; ; await delay(looks.looksEachMs)) {
    looks.beat();
    try {
      return await look(looks);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

async function measure(looks: Looks) {
  const { api, workers } = await observe(looks);
  const all = [...api, ...workers];
  return { api, workers, deaths: deathsOf(all), counts: await countEach(all) };
}

/** All of them must be ready and of this version. */
async function observe({ driver, version }: Looks) {
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

/** Returns what each process counted since it was started, by its address. */
async function countEach(processes: RunningProcess[]): Promise<Map<string, Counts>> {
  const samples = await Promise.all(processes.map(readMetrics));
  if (samples.some((one) => one === null || one.length === 0)) {
    throw fail(
      'no_metrics',
      'A process gives no metrics, so nobody can tell whether it is healthy: check METRICS_HOST.',
    );
  }
  return new Map(processes.map(({ metrics }, index) => [metrics, countsOf(samples[index] as Sample[])]));
}

function countsOf(samples: Sample[]): Counts {
  const requests = `${HTTP_REQUESTS}_count`;
  return {
    requests: sumOf(samples, requests, () => true),
    errors: sumOf(samples, requests, ({ status = '' }) => status.startsWith('5')),
    nondeterministic: sumOf(
      samples,
      'temporal_workflow_task_execution_failed',
      (labels) => labels.failure_reason === 'NonDeterminismError',
    ),
  };
}

/** A process that was started again counts from zero. */
function countSince(before: Map<string, Counts>, now: Map<string, Counts>): Counts {
  const sum: Counts = { requests: 0, errors: 0, nondeterministic: 0 };
  for (const [process, counts] of now) {
    for (const name of Object.keys(sum) as (keyof Counts)[]) {
      const earlier = before.get(process)?.[name] ?? 0;
      sum[name] += counts[name] < earlier ? counts[name] : counts[name] - earlier;
    }
  }
  return sum;
}

const deathsOf = (processes: RunningProcess[]) => processes.reduce((sum, { deaths }) => sum + deaths, 0);
