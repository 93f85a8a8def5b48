// Measures both flows with 1, 2 and 4 processes of the API and of the worker. On a machine with few processors more of them
// can't be quicker: the CPU time of each part a flow says what they would be elsewhere.
import type { Countersign } from '../apps/countersign';
import { measureWindow, type Window } from '../closed-loop';
import type { Servers } from '../servers';
import type { Fleet, Size } from './fleet';
import { median } from './median';

/** Neighbours differ by few starts of a process. */
const SIZES: Size[] = [
  { apis: 4, workers: 1 },
  { apis: 2, workers: 1 },
  { apis: 1, workers: 1 },
  { apis: 1, workers: 2 },
  { apis: 1, workers: 4 },
];
const PATHS = ['policy', 'people'] as const;
type Path = (typeof PATHS)[number];
const CONCURRENCY = 16;
const WARM_UP_SECONDS = 1;
/** What waits for Temporal at the end of a window takes several times as long as the window. */
const SHARE: Record<Path, number> = { policy: 1, people: 0.5 };

interface Sample {
  size: Size;
  path: Path;
  /** Drafts a second while clients ask; of `people`, each with its approval. */
  acceptedPerSecond: number;
  /** Until the last mail has come. */
  sentPerSecond: number;
  cpuMs: Record<string, number>;
  /** Share of one processor that each process of the API has while clients ask. */
  apiLoad: number;
  /** The same of the workers, until the last mail has come. */
  workerLoad: number;
  /** Processors in use, of all parts together. */
  busy: number;
}
export interface Fleets {
  cells: Sample[];
  faults: string[];
}

export async function measureFleets(
  countersign: Countersign,
  fleet: Fleet,
  servers: Servers,
  { seconds, rounds }: { seconds: number; rounds: number },
  progress: (line: string) => void,
): Promise<Fleets> {
  const samples: Sample[] = [];
  const faults: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const size of round % 2 === 0 ? SIZES : SIZES.toReversed()) {
      progress(`round ${round + 1} of ${rounds}: ${size.apis} API, ${size.workers} workers`);
      await fleet.resize(size);
      const processes = fleet.processes(size);
      for (const path of PATHS) {
        const app = { ...countersign[path], processes };
        await measureWindow(app, servers.arrivals, CONCURRENCY, 'complete', WARM_UP_SECONDS);
        const window = await measureWindow(app, servers.arrivals, CONCURRENCY, 'accept', seconds * SHARE[path]);
        samples.push(sampleOf(size, path, window));
        faults.push(...new Set(window.errors), ...(window.missing > 0 ? [`${window.missing} mails never came`] : []));
      }
    }
  }
  const cells = PATHS.flatMap((path) =>
    SIZES.toSorted((a, b) => a.workers - b.workers || a.apis - b.apis).map((size) =>
      middle(samples.filter((one) => one.path === path && one.size === size)),
    ),
  );
  return { cells, faults };
}

function sampleOf(size: Size, path: Path, { flows, seconds, drainSeconds, cpuMs }: Window): Sample {
  const spent = cpuMs ?? {};
  const all = Object.values(spent).reduce((sum, ms) => sum + ms, 0);
  const wholeMs = (seconds + drainSeconds) * 1_000;
  return {
    size,
    path,
    acceptedPerSecond: flows / seconds,
    sentPerSecond: (flows * 1_000) / wholeMs,
    cpuMs: Object.fromEntries(Object.entries(spent).map(([name, ms]) => [name, ms / flows])),
    apiLoad: (spent['countersign api'] ?? 0) / (size.apis * seconds * 1_000),
    workerLoad: (spent['countersign worker'] ?? 0) / (size.workers * wholeMs),
    busy: all / wholeMs,
  };
}

function middle(samples: Sample[]): Sample {
  const [first] = samples as [Sample];
  const of = (value: (one: Sample) => number | undefined) => median(samples.map((one) => value(one) ?? 0));
  return {
    ...first,
    acceptedPerSecond: of((one) => one.acceptedPerSecond),
    sentPerSecond: of((one) => one.sentPerSecond),
    cpuMs: Object.fromEntries(Object.keys(first.cpuMs).map((name) => [name, of((one) => one.cpuMs[name])])),
    apiLoad: of((one) => one.apiLoad),
    workerLoad: of((one) => one.workerLoad),
    busy: of((one) => one.busy),
  };
}
