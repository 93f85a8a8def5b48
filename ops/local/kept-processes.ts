// The processes of one installation: each is started again whenever it dies, and the runtime file is told of all of them.
import { setTimeout as delay } from 'node:timers/promises';
import type { Home } from './home';
import type { RuntimeFile } from './runtime-file';
import type { Server } from './server';
import { Supervised } from './supervised';

const STARTS_END_WITHIN_MS = 30_000;

/** What each start of a process is given. */
export interface Own {
  log: string;
  onSpawn(pid: number): void;
}

export interface KeptProcessesOptions {
  home: Home;
  runtime: RuntimeFile;
  /** A line for who looks at the terminal. */
  say(line: string): void;
}

export class KeptProcesses {
  /** From then on the terminal hears of what dies. */
  isUp = false;
  isStopped = false;
  private readonly running = new Map<string, Supervised>();
  private readonly starting = new Set<Promise<unknown>>();
  /** Processes that nobody could stop by a `Supervised` yet. */
  private readonly unready = new Map<string, number>();

  constructor(private readonly options: KeptProcessesOptions) {}

  keep(name: string, start: (own: Own) => Promise<Server>): Promise<Supervised> {
    const kept = this.startKept(name, start);
    this.starting.add(kept);
    const forget = () => this.starting.delete(kept);
    kept.then(forget, forget);
    return kept;
  }

  own(name: string): Own {
    const onSpawn = (pid: number) => {
      this.note(() => this.options.runtime.began(name, pid));
      if (this.isStopped) interrupt(pid);
      else this.unready.set(name, pid);
    };
    return { log: this.options.home.log(name), onSpawn };
  }

  /** Stops one of them for good. */
  async end(name: string): Promise<void> {
    await this.running.get(name)?.stop();
    this.running.delete(name);
  }

  /** @param order those of one group at the same time */
  async stop(order: readonly string[][]): Promise<void> {
    this.isStopped = true;
    for (const pid of this.unready.values()) interrupt(pid);
    await Promise.race([Promise.allSettled(this.starting), delay(STARTS_END_WITHIN_MS)]);
    for (const together of order) await Promise.all(together.map((name) => this.running.get(name)?.stop()));
  }

  private async startKept(name: string, start: (own: Own) => Promise<Server>): Promise<Supervised> {
    const supervised = await Supervised.run(
      () =>
        start(this.own(name))
          .then((server) => this.noted(name, server))
          .finally(() => this.unready.delete(name)),
      (title, problem) => this.say(`${title} ${problem}; starting it again (${this.options.home.log(name)})`),
    );
    if (this.isStopped) {
      await supervised.stop();
      throw new Error('Stopped while it was starting');
    }
    this.running.set(name, supervised);
    return supervised;
  }

  private noted(name: string, server: Server): Server {
    void server.exited.then(() => this.note(() => this.options.runtime.ended(name, server.pid)));
    return server;
  }

  /** A full disk must not end the supervisor. */
  private note(change: () => void): void {
    try {
      change();
    } catch (error) {
      this.say(`runtime.json can't be written: ${(error as Error).message}`);
    }
  }

  private say(line: string): void {
    if (this.isUp && !this.isStopped) this.options.say(line);
  }
}

/** Ends each of them in order, as Ctrl-C would; the start that waits for it sees that it has ended. */
function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    // It is gone already.
  }
}
