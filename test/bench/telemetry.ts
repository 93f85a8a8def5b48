// Measures what telemetry costs: flows with Sentry and a Prometheus that scrapes, next to flows without, in turns.
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { startSentryServer } from '../support/sentry-server';
import { type Aim, below } from './aims';
import type { App } from './apps/app';
import { type Countersign, startCountersign } from './apps/countersign';
import { measureWindow, type Window } from './closed-loop';
import type { Servers } from './servers';
import { aimTable, number, table } from './tables';

/** As docs/operations.md proposes it. */
const TRACED = '0.1';
/** More often than any Prometheus is usually told. */
const SCRAPES_EACH_MS = 5_000;
const CONCURRENCY = 16;
const WARM_UP = 3;
const OURS = ['countersign api', 'countersign worker'];

export interface TelemetryCost {
  /** CPU time of API and worker a flow, in ms. */
  cpuMs: { path: App['name']; off: number; on: number; ratio: number }[];
  envelopes: number;
  aims: Aim[];
}

export async function measureTelemetry(
  servers: Servers,
  { seconds, rounds, nodeOptions }: { seconds: number; rounds: number; nodeOptions: string[] },
  progress: (line: string) => void,
): Promise<TelemetryCost> {
  const sentry = await startSentryServer();
  const off = await startCountersign(servers, nodeOptions);
  const on = await startCountersign(
    servers,
    nodeOptions,
    { TEMPORAL_NAMESPACE: await newNamespace(servers), SENTRY_DSN: sentry.dsn, SENTRY_TRACES_SAMPLE_RATE: TRACED },
    'telemetry',
  );
  const scraping = setInterval(() => void scrape(on), SCRAPES_EACH_MS);
  try {
    const cpuMs: TelemetryCost['cpuMs'] = [];
    for (const path of ['policy', 'people'] as const) {
      const windows = { off: [] as Window[], on: [] as Window[] };
      for (const side of [off, on]) await window(side[path], servers, seconds * WARM_UP);
      for (let round = 0; round < rounds; round++) {
        for (const name of round % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)) {
          progress(`round ${round + 1} of ${rounds}: ${path}, telemetry ${name}`);
          windows[name].push(await window({ off, on }[name][path], servers, seconds));
        }
      }
      const [without, all] = [cpuPerFlow(windows.off), cpuPerFlow(windows.on)];
      cpuMs.push({ path, off: without, on: all, ratio: all / without });
    }
    const aims = cpuMs.map(({ path, ratio }) => below(`CPU a flow, ${path}, telemetry on : off`, ratio, 1.05));
    return { cpuMs, envelopes: sentry.envelopes.length / 2, aims };
  } finally {
    clearInterval(scraping);
    await sentry.close();
  }
}

export const printTelemetry = ({ cpuMs, envelopes, aims }: TelemetryCost): string =>
  [
    table([
      ['CPU of API and worker a flow, ms', 'off', 'on', 'ratio'],
      ...cpuMs.map(({ path, off, on, ratio }) => [path, number(off), number(on), number(ratio)]),
    ]),
    `${envelopes} envelopes reached Sentry.`,
    aimTable(aims),
  ].join('\n\n');

const window = (app: App, servers: Servers, seconds: number) =>
  measureWindow(app, servers.arrivals, CONCURRENCY, 'complete', seconds);

function cpuPerFlow(windows: Window[]): number {
  const cpu = windows.flatMap(({ cpuMs }) => OURS.map((name) => cpuMs?.[name] ?? Number.NaN));
  return cpu.reduce((sum, one) => sum + one, 0) / windows.reduce((sum, { flows }) => sum + flows, 0);
}

async function scrape({ environment }: Countersign): Promise<void> {
  for (const port of [environment.METRICS_PORT, environment.WORKER_METRICS_PORT]) {
    await fetch(`http://127.0.0.1:${port}/metrics`).then(
      (response) => response.text(),
      () => '',
    );
  }
}

/** Two lanes of one id need a namespace each. */
async function newNamespace({ temporalAddress }: Servers): Promise<string> {
  const namespace = 'telemetry';
  const connection = await Connection.connect({ address: temporalAddress });
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') });
  await connection.close();
  return namespace;
}
