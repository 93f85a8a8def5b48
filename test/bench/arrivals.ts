// Which mails have arrived, as the SMTP sink tells.
import type { ChildProcess } from 'node:child_process';
import type { Arrived } from './smtp-sink';

export class Arrivals {
  private readonly awaited = new Map<string, (at: number) => void>();
  private readonly times = new Map<string, number>();
  /** Mails beyond the first to one recipient: each flow has a recipient of its own. */
  repeated = 0;

  private reached: { total: number; resolve(): void } | null = null;

  constructor(sink: ChildProcess) {
    sink.on('message', (message) => {
      for (const [recipient, at] of message as Arrived) this.arrive(recipient, at);
      if (this.reached && this.total >= this.reached.total) this.reached.resolve();
    });
  }

  private arrive(recipient: string, at: number): void {
    if (this.times.has(recipient)) {
      this.repeated++;
      return;
    }
    this.times.set(recipient, at);
    this.awaited.get(recipient)?.(at);
    this.awaited.delete(recipient);
  }

  get count(): number {
    return this.times.size;
  }

  /** Of mails, those to one recipient too. */
  get total(): number {
    return this.times.size + this.repeated;
  }
  /** Resolves once so many mails have arrived. Only one waits at a time. */
  reaches(total: number): Promise<void> {
    if (this.total >= total) return Promise.resolve();
    return new Promise((resolve) => {
      this.reached = { total, resolve };
    });
  }

  /** When the mail to this recipient arrived. */
  of(recipient: string): Promise<number> {
    const at = this.times.get(recipient);
    if (at !== undefined) return Promise.resolve(at);
    return new Promise((resolve) => this.awaited.set(recipient, resolve));
  }
}
