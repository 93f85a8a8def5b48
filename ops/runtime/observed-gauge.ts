// Reads a gauge when Prometheus scrapes it: bounded in time, and without harm to the other metrics if the read fails.
import { Gauge, type Registry } from 'prom-client';
import { within } from './within';

/** Prometheus gives up after 10 s by default, and an operator who waits for an answer long before. */
const READ_WITHIN_MS = 1_000;

export interface Sample {
  labels?: Record<string, string>;
  value: number;
}

export interface ObservedGauge {
  name: string;
  help: string;
  labelNames?: string[];
  /** Scrapes that come while a read is under way share it. */
  read(): Promise<Sample[]>;
  /** The samples to show if the read fails or takes longer than a second. */
  unknown: Sample[];
}

export function observeGauge(registry: Registry, { name, help, labelNames = [], read, unknown }: ObservedGauge): void {
  let underWay: Promise<Sample[]> | null = null;
  const readOnce = () => {
    underWay ??= read().finally(() => {
      underWay = null;
    });
    return underWay;
  };
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      const samples = await within(READ_WITHIN_MS, readOnce()).catch(() => unknown);
      this.reset();
      // A gauge without labels starts at 0 after a reset, which would read as a value.
      if (labelNames.length === 0 && samples.length === 0) this.remove();
      for (const { labels = {}, value } of samples) this.set(labels, value);
    },
  });
}
