// Brings one Countersign to so many processes of the API and so many workers, and says whose CPU time a flow then costs.
import { freePort } from '../../../ops/local/ports';
import { answers, type MeasuredProcess } from '../apps/app';
import type { Countersign } from '../apps/countersign';
import { Program } from '../program';
import type { Servers } from '../servers';

export interface Size {
  apis: number;
  workers: number;
}

/** Eight processes of twelve connections stay below the server's 120. */
export const SMALL_POOLS = { DB_POOL_SIZE: '8', DB_POOL_OVERFLOW: '4' };

export class Fleet {
  private readonly apis: Program[] = [];
  private readonly workers: Program[] = [];
  private readonly origins: string[];

  constructor(
    private readonly servers: Servers,
    private readonly countersign: Countersign,
    private readonly nodeOptions: string[],
  ) {
    this.origins = [`http://127.0.0.1:${countersign.environment.PORT}`];
  }

  /** Starts what is missing and stops the workers that are too many. An API that is too many gets no requests. */
  async resize({ apis, workers }: Size): Promise<void> {
    while (this.origins.length < apis) await this.startApi();
    while (this.workers.length + 1 < workers) await this.startWorker();
    while (this.workers.length + 1 > workers) await this.workers.pop()?.stop();
    this.countersign.spreadOver(this.origins.slice(0, apis));
  }

  /** Processes of one kind share a name. */
  processes({ apis }: Size): MeasuredProcess[] {
    const named = (name: string, program: { pid: number }) => ({ name, pid: () => program.pid });
    return [
      ...this.countersign.people.processes,
      ...this.apis.slice(0, apis - 1).map((api) => named('countersign api', api)),
      ...this.workers.map((worker) => named('countersign worker', worker)),
      named('mail server', this.servers.mailServer),
      // With what else it has started: an API that gets no requests.
      named('driver', process),
    ];
  }

  private async startApi(): Promise<void> {
    const port = await freePort();
    const ports = { PORT: String(port), METRICS_PORT: String(await freePort()) };
    this.apis.push(this.start(`api-${port}`, 'dist/api/main.js', ports));
    const origin = `http://127.0.0.1:${port}`;
    await answers(`${origin}/ready`);
    this.origins.push(origin);
  }

  private async startWorker(): Promise<void> {
    const port = await freePort();
    const ports = { WORKER_PORT: String(port), WORKER_METRICS_PORT: String(await freePort()) };
    this.workers.push(this.start(`worker-${port}`, 'dist/worker/main.js', ports));
    await answers(`http://127.0.0.1:${port}/ready`);
  }

  private start(name: string, script: string, ports: Record<string, string>): Program {
    const environment = { ...this.countersign.environment, ...ports };
    return Program.start(name, [...this.nodeOptions, script], this.servers.folder, environment);
  }
}
