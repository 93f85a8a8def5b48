// Reads every gauge that PostgreSQL knows in one statement a scrape. If it fails or hangs, all are absent or NaN, never zero.
import type { Registry } from 'prom-client';
import { observeGauge } from './observed-gauge';

export interface DatabaseGauge {
  name: string;
  help: string;
  /** Columns of `sql`, as text; its column `value` is a number. No row: the gauge is absent. A null value: NaN. */
  labelNames?: string[];
  /** Must cost the same however many drafts have come to their end (test/observability/database-gauges.test.ts). */
  sql: string;
  /** The label values that show NaN while PostgreSQL can't be read; without them a gauge with labels is absent. */
  known?: Record<string, string>[];
}

type Row = Record<string, string> & { value: number | null };

/** @param query runs one statement; it may fail or hang without harm to the scrape */
export function observeDatabase(
  registry: Registry,
  query: (sql: string) => Promise<unknown[]>,
  gauges: readonly DatabaseGauge[],
): void {
  const statement = toStatement(gauges);
  let underWay: Promise<Row[][]> | null = null;
  const readAll = () => {
    underWay ??= query(statement)
      .then(([row]) => (row as { gauges: Row[][] }).gauges)
      .finally(() => {
        underWay = null;
      });
    return underWay;
  };
  for (const [i, { name, help, labelNames = [], known }] of gauges.entries()) {
    observeGauge(registry, {
      name,
      help,
      labelNames,
      read: async () =>
        ((await readAll())[i] ?? []).map(({ value, ...labels }) => ({ labels, value: value ?? Number.NaN })),
      unknown: (known ?? (labelNames.length === 0 ? [{}] : [])).map((labels) => ({ labels, value: Number.NaN })),
    });
  }
}

/** One row with one array: the rows of each gauge, in their order. */
export const toStatement = (gauges: readonly Pick<DatabaseGauge, 'sql'>[]) =>
  `SELECT json_build_array(${gauges
    .map(({ sql }) => `(SELECT coalesce(json_agg(g), '[]') FROM (${sql}) g)`)
    .join(',\n')}) AS gauges`;
