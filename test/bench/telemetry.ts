// Measures what telemetry costs: flows with Sentry and a Prometheus that scrapes, next to flows without, in turns.
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { startSentryServer } from '../support/sentry-server';
import { type Aim, below } from './aims';
import { type Countersign, startCountersign } from './apps/countersign';
import { measureWindow, type Window } from './closed-loop';
import { percentiles } from './percentiles';
import type { Servers } from './servers';
import { aimTable, number, table } from './tables';

/** As docs/operations.md proposes it. */
const TRACED = '0.05';
/** More often than any Prometheus is usually told. */
const SCRAPES_EACH_MS = 5_000;
const CONCURRENCY = 16;
const WARM_UP = 2;
const OURS = ['countersign api', 'countersign worker'];
const PATHS = ['policy', 'people'] as const;
type Path = (typeof PATHS)[number];
type Side = 'off' | 'on';

export interface TelemetryCost {
  /** CPU time of API and worker a flow, in ms, and the median, lowest and highest ratio of a round. */
  cpuMs: { path: Path; off: number; on: number; ratio: number; lowest: number; highest: number }[];
  envelopes: number;
  aims: Aim[];
}

interface Sample {
  cpuMs: number;
  flows: number;
}
type Round = Record<Path, Record<Side, Sample>>;

/** Each round has processes of its own: two starts of one program differ by up to a tenth. */
export async function measureTelemetry(
  servers: Servers,
  { seconds, rounds, nodeOptions }: { seconds: number; rounds: number; nodeOptions: string[] },
  progress: (line: string) => void,
): Promise<TelemetryCost> {
  const sentry = await startSentryServer();
  const telemetry = { SENTRY_DSN: sentry.dsn, SENTRY_TRACES_SAMPLE_RATE: TRACED };
  const measured: Round[] = [];
  try {
    for (let n = 1; n <= rounds; n++) {
      progress(`round ${n} of ${rounds}`);
      const started: Partial<Record<Side, Countersign>> = {};
      for (const side of inTurns(n)) {
        const name = `telemetry_${side}_${n}`;
        const given = { TEMPORAL_NAMESPACE: await newNamespace(servers, name), ...(side === 'on' ? telemetry : {}) };
        started[side] = await startCountersign(servers, nodeOptions, given, name);
      }
      measured.push(await measureRound(started as Record<Side, Countersign>, servers, seconds));
      await Promise.all(Object.values(started).map((app) => app.stop()));
    }
  } finally {
    await sentry.close();
  }
  const cpuMs = PATHS.map((path) => costOf(path, measured));
  const aims = cpuMs.map(({ path, ratio }) => below(`CPU a flow, ${path}, telemetry on : off`, ratio, 1.05));
  return { cpuMs, envelopes: sentry.envelopes.length / 2, aims };
}

async function measureRound(sides: Record<Side, Countersign>, servers: Servers, seconds: number): Promise<Round> {
  const scraping = setInterval(() => void scrape(sides.on), SCRAPES_EACH_MS);
  const window = (side: Side, path: Path, length = seconds) =>
    measureWindow(sides[side][path], servers.arrivals, CONCURRENCY, 'complete', length);
  try {
    const round = {} as Round;
    for (const path of PATHS) {
      const windows: Record<Side, Window[]> = { off: [], on: [] };
      for (const side of inTurns(0)) await window(side, path, seconds * WARM_UP);
      for (const side of [...inTurns(0), ...inTurns(1)]) windows[side].push(await window(side, path));
      round[path] = { off: sum(windows.off), on: sum(windows.on) };
    }
    return round;
  } finally {
    clearInterval(scraping);
  }
}

const inTurns = (n: number): Side[] => (n % 2 === 0 ? ['off', 'on'] : ['on', 'off']);

const sum = (windows: Window[]): Sample => ({
  cpuMs: windows
    .flatMap(({ cpuMs }) => OURS.map((name) => cpuMs?.[name] ?? Number.NaN))
    .reduce((total, one) => total + one, 0),
  flows: windows.reduce((total, { flows }) => total + flows, 0),
});

function costOf(path: Path, rounds: Round[]): TelemetryCost['cpuMs'][number] {
  const perFlow = (side: Side, of: Round[]) =>
    of.reduce((total, round) => total + round[path][side].cpuMs, 0) /
    of.reduce((total, round) => total + round[path][side].flows, 0);
  const ratios = rounds.map((round) => perFlow('on', [round]) / perFlow('off', [round]));
  return {
    path,
    off: perFlow('off', rounds),
    on: perFlow('on', rounds),
    ratio: percentiles(ratios).p50 ?? Number.NaN,
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
}

export const printTelemetry = ({ cpuMs, envelopes, aims }: TelemetryCost): string =>
  [
    table([
      ['CPU of API and worker a flow, ms', 'off', 'on', 'ratio', 'of a round, from', 'to'],
      ...cpuMs.map(({ path, ...numbers }) => [path, ...Object.values(numbers).map(number)]),
    ]),
    `${envelopes} envelopes reached Sentry.`,
    aimTable(aims),
  ].join('\n\n');

async function scrape({ environment }: Countersign): Promise<void> {
  for (const port of [environment.METRICS_PORT, environment.WORKER_METRICS_PORT]) {
    await fetch(`http://127.0.0.1:${port}/metrics`).then(
      (response) => response.text(),
      () => '',
    );
  }
}

/** Two lanes of one id need a namespace each. */
async function newNamespace({ temporalAddress }: Servers, namespace: string): Promise<string> {
  const connection = await Connection.connect({ address: temporalAddress });
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
  await connection.close();
  return namespace;
}
