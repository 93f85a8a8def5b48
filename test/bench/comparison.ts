// The main part: all apps at each concurrency, side by side, in turns, so that what disturbs the machine disturbs all.
import type { App } from './apps/app';
import { type Mode, measureWindow, type Window } from './closed-loop';
import type { Options } from './options';
import { type Percentiles, percentiles } from './percentiles';
import type { Servers } from './servers';

export interface Cell {
  app: App['name'];
  concurrency: number;
  /** While clients go on as soon as they are answered. */
  accepted: { perSecond: number; createMs: Percentiles; approveMs: Percentiles };
  /** While clients wait for their mail. */
  completed: {
    perSecond: number;
    createMs: Percentiles;
    approveMs: Percentiles;
    createToSentMs: Percentiles;
    cpuMsPerFlow: number | null;
    cpuMsPerFlowBy: Record<string, number> | null;
    eventsPerFlow: number;
  };
  errors: string[];
  missing: number;
}

interface Measured extends Window {
  events: number;
}

const MODES: Mode[] = ['complete', 'accept'];
/** In windows: all are measured as they run for long, with their code compiled. */
const WARM_UP = 3;
/** Histories are counted on so many flows of a window. */
const SAMPLE = 20;

export async function compare(
  apps: App[],
  servers: Servers,
  options: Options,
  progress: (line: string) => void,
): Promise<Cell[]> {
  for (const app of apps) {
    progress(`warming up: ${app.title}`);
    await measureWindow(app, servers.arrivals, 16, 'complete', options.seconds * WARM_UP);
  }
  const windows: Measured[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const concurrency of options.concurrency) {
      for (const mode of MODES) {
        for (const app of inTurn(apps, round)) {
          progress(`round ${round + 1} of ${options.rounds}, ${concurrency} concurrent, ${mode}: ${app.title}`);
          windows.push(await measureWithEvents(app, servers, concurrency, mode, options.seconds));
        }
      }
    }
  }
  return apps.flatMap((app) =>
    options.concurrency.map((concurrency) =>
      summarise(
        app,
        concurrency,
        windows.filter((one) => one.app === app.name && one.concurrency === concurrency),
      ),
    ),
  );
}

async function measureWithEvents(
  app: App,
  servers: Servers,
  concurrency: number,
  mode: Mode,
  seconds: number,
): Promise<Measured> {
  const before = await app.sharedEvents();
  const window = await measureWindow(app, servers.arrivals, concurrency, mode, seconds);
  const shared = (await app.sharedEvents()) - before;
  const sample = window.ids.slice(0, SAMPLE);
  const own = sample.length > 0 ? ((await app.eventsOf(sample)) / sample.length) * window.flows : 0;
  return { ...window, ids: [], events: own + shared };
}

function summarise(app: App, concurrency: number, windows: Measured[]): Cell {
  const accepting = windows.filter(({ mode }) => mode === 'accept');
  const completing = windows.filter(({ mode }) => mode === 'complete');
  const sum = (of: Measured[], value: (one: Measured) => number) => of.reduce((total, one) => total + value(one), 0);
  const perSecond = (of: Measured[]) => sum(of, (one) => one.flows) / sum(of, (one) => one.seconds);
  const times = (of: Measured[], key: 'createMs' | 'approveMs' | 'createToSentMs') =>
    percentiles(of.flatMap((one) => one[key]));
  const flows = sum(completing, (one) => one.flows);
  const cpu = completing.every(({ cpuMs }) => cpuMs !== null)
    ? Object.fromEntries(
        app.processes.map(({ name }) => [name, sum(completing, (one) => one.cpuMs?.[name] ?? 0) / flows]),
      )
    : null;
  return {
    app: app.name,
    concurrency,
    accepted: {
      perSecond: perSecond(accepting),
      createMs: times(accepting, 'createMs'),
      approveMs: times(accepting, 'approveMs'),
    },
    completed: {
      perSecond: perSecond(completing),
      createMs: times(completing, 'createMs'),
      approveMs: times(completing, 'approveMs'),
      createToSentMs: times(completing, 'createToSentMs'),
      cpuMsPerFlow: cpu && Object.values(cpu).reduce((total, one) => total + one, 0),
      cpuMsPerFlowBy: cpu,
      eventsPerFlow: sum(completing, (one) => one.events) / flows,
    },
    errors: [...new Set(windows.flatMap((one) => one.errors))].slice(0, 10),
    missing: sum(windows, (one) => one.missing),
  };
}

/** Each round begins with another one. */
const inTurn = (apps: App[], round: number) => apps.map((_, i) => apps[(i + round) % apps.length] as App);
