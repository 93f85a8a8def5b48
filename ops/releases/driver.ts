// The interface between a deployment or rollback and the platform that runs the processes. A driver says which releases are
// to run and sees which do; the workflows decide (docs/releases.md).
import type { Release } from './release';

/** A release whose workers are to run. */
export interface WantedWorkers {
  version: string;
  /** Null: they take part in no worker versioning, as before the first deployment. */
  buildId: string | null;
}

/** What is to run. The driver brings it about, and again after a crash or a reboot. */
export interface Wanted {
  /** The release whose API takes requests; null while none does. */
  api: string | null;
  /** The release whose API is started beside, without requests, to see whether it becomes ready. */
  trial: string | null;
  workers: WantedWorkers[];
}

/** One process that runs. */
export interface RunningProcess {
  version: string;
  /** Answers `/ready`. */
  url: string;
  /** Answers Prometheus. */
  metrics: string;
  /** How often it has died since it was wanted. */
  deaths: number;
}

/** What runs. One that starts is among them; one that was stopped is not, once it has ended. */
export interface Running {
  api: RunningProcess[];
  trial: RunningProcess[];
  workers: RunningProcess[];
}

/** The programs of a release that a deployment or rollback runs, each by the release's own code. */
export type ReleaseProgram = 'migrate' | 'migrate:down' | 'replay' | 'try-api';

export interface ProgramEnd {
  code: number;
  stdout: string;
  /** Its end, for an operator: the programs print neither addresses nor content. */
  stderr: string;
}

export interface RunProgram {
  version: string;
  program: ReleaseProgram;
  args?: string[];
  /** Beyond that of the services. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

export interface ReleaseDriver {
  readonly name: 'process' | 'kubernetes';
  /** How long a process may take until it is ready, with all that the platform does before it starts. */
  readonly readyWithinMs: number;
  /** Returns the release if it can still be started, else null. */
  find(version: string): Promise<Release | null>;
  /** Resolves when the program has ended, whatever its exit code. */
  run(program: RunProgram): Promise<ProgramEnd>;
  wanted(): Promise<Wanted>;
  /** Writes down what is to run, and does not wait for it. A repeat changes nothing. */
  want(wanted: Wanted): Promise<void>;
  running(): Promise<Running>;
  /** Brings about again what is wanted: its host calls it when it starts. Without it the platform does so by itself. */
  start?(): Promise<void>;
}
