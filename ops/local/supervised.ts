// Keeps one server running: when it dies it is started again, at once and then ever more slowly.
import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from './server';

/** Short beside the minute within which all of `npm start` is ready again. */
const WAITS_MS = [100, 500, 1_000, 2_000, 5_000];
const STEADY_AFTER_MS = 30_000;

export class Supervised {
  private server: Server | null = null;
  private stopping = false;
  private readonly stopSignal = new AbortController();
  private restarting: Promise<void> = Promise.resolve();
  /** How it died the first time. */
  fault: string | null = null;
  deaths = 0;

  private constructor(
    private readonly start: () => Promise<Server>,
    private readonly onDeath: (name: string, problem: string) => void,
  ) {}

  /** @param start takes the same ports every time */
  static async run(
    start: () => Promise<Server>,
    onDeath: (name: string, problem: string) => void,
  ): Promise<Supervised> {
    const supervised = new Supervised(start, onDeath);
    supervised.watch(await start(), 0);
    return supervised;
  }

  get url(): string {
    return this.server?.url ?? '';
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.stopSignal.abort();
    await this.restarting;
    await this.server?.stop();
  }

  private watch(server: Server, failures: number): void {
    this.server = server;
    const began = Date.now();
    void server.exited.then(() => {
      if (this.stopping) return;
      this.deaths += 1;
      this.fault ??= `${server.name} ended:\n${server.lastLines()}`;
      this.onDeath(server.name, 'ended');
      this.restarting = this.restart(Date.now() - began > STEADY_AFTER_MS ? 0 : failures, server.name);
    });
  }

  private async restart(failures: number, name: string): Promise<void> {
    for (let attempt = failures; !this.stopping; attempt++) {
      const wait = WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)];
      await delay(wait, undefined, { signal: this.stopSignal.signal }).catch(() => {});
      if (this.stopping) return;
      try {
        this.watch(await this.start(), attempt + 1);
        return;
      } catch (error) {
        this.onDeath(name, inShort(name, error as Error));
      }
    }
  }
}

/** The rest is in its log. */
function inShort(name: string, { message }: Error): string {
  const [first = ''] = message.split('\n');
  return (first.startsWith(`${name} `) ? first.slice(name.length + 1) : first).replace(/:$/, '');
}
