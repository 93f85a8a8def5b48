// Runs the API and the workers of the releases that are wanted, and tells which of them run: the hands of the process driver.
import { setTimeout as delay } from 'node:timers/promises';
import type { Running, Wanted } from '../releases/driver';
import { readWanted, writeRunning } from '../releases/process/records';
import type { Supervised } from './supervised';

const LOOKS_EACH_MS = 100;
const TRIES_AGAIN_MS = 5_000;

export interface Starting {
  kind: keyof Running;
  version: string;
  /** Null: without worker versioning. */
  buildId: string | null;
}

export interface Started {
  url: string;
  metrics: string;
  supervised: Supervised;
}

interface Kept extends Starting {
  /** Names the process in runtime.json, and its log. */
  name: string;
  started: Started | null;
  isEnding: boolean;
}

export interface KeptReleasesOptions {
  folder: string;
  /** The release of this folder, which runs before the first deployment. */
  first: Wanted;
  start(name: string, starting: Starting): Promise<Started>;
  end(name: string): Promise<void>;
  say(line: string): void;
}

export class KeptReleases {
  private readonly kept = new Map<string, Kept>();
  private told = '';
  private isStopped = false;
  private watching: Promise<void> = Promise.resolve();

  constructor(private readonly options: KeptReleasesOptions) {}

  /** Starts what is wanted, and follows it from then on. */
  start(): void {
    this.watching = this.watch();
  }

  /** Those of what is wanted that have been started. */
  get services(): Supervised[] {
    return [...this.kept.values()].flatMap(({ started }) => (started ? [started.supervised] : []));
  }

  get wanted(): Wanted {
    return readWanted(this.options.folder) ?? this.options.first;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.watching;
    await Promise.all([...this.kept.keys()].map((name) => this.options.end(name)));
    this.kept.clear();
    this.tell();
  }

  private async watch(): Promise<void> {
    for (let trouble = ''; !this.isStopped; ) {
      try {
        this.reconcile(this.wanted);
        this.tell();
        trouble = '';
      } catch (error) {
        const { message } = error as Error;
        if (message !== trouble) this.options.say(`The releases can't be looked after: ${message}`);
        trouble = message;
      }
      await delay(LOOKS_EACH_MS);
    }
  }

  private reconcile(wanted: Wanted): void {
    const all = list(wanted);
    for (const one of this.kept.values()) {
      if (!one.isEnding && !all.some((other) => isSame(one, other))) this.end(one);
    }
    for (const one of all) {
      const isKept = [...this.kept.values()].some((other) => isSame(one, other) && !other.isEnding);
      const name = this.nameFor(one);
      // The API's port is free once the API before it has ended.
      if (!isKept && !this.kept.has(name)) this.begin({ ...one, name, started: null, isEnding: false });
    }
  }

  private nameFor({ kind, version }: Starting): string {
    if (kind !== 'workers') return kind === 'api' ? 'api' : 'api-trial';
    return this.kept.has('worker') ? `worker-${version}` : 'worker';
  }

  private begin(one: Kept): void {
    this.kept.set(one.name, one);
    this.options.start(one.name, one).then(
      (started) => {
        one.started = started;
      },
      async (error) => {
        this.options.say(`The ${one.name} of ${one.version} could not be started: ${error.message}`);
        await delay(TRIES_AGAIN_MS, undefined, { ref: false });
        this.kept.delete(one.name);
      },
    );
  }

  private end(one: Kept): void {
    if (!one.started) return;
    one.isEnding = true;
    void this.options.end(one.name).finally(() => this.kept.delete(one.name));
  }

  /** Those that end are told until they have. */
  private tell(): void {
    const running: Running = { api: [], trial: [], workers: [] };
    for (const { kind, version, started } of this.kept.values()) {
      if (!started) continue;
      const { url, metrics, supervised } = started;
      running[kind].push({ version, url, metrics, deaths: supervised.deaths });
    }
    const text = JSON.stringify(running);
    if (text === this.told) return;
    this.told = text;
    writeRunning(this.options.folder, running);
  }
}

const list = ({ api, trial, workers }: Wanted): Starting[] => [
  ...(api === null ? [] : [{ kind: 'api' as const, version: api, buildId: null }]),
  ...(trial === null ? [] : [{ kind: 'trial' as const, version: trial, buildId: null }]),
  ...workers.map((one) => ({ kind: 'workers' as const, ...one })),
];

const isSame = (one: Starting, other: Starting) =>
  one.kind === other.kind && one.version === other.version && one.buildId === other.buildId;
