// Shows the state of erasures to Prometheus, so that an alert comes before a deadline is missed.
import type { Registry } from 'prom-client';
import { observeGauge } from '../../ops/runtime/observed-gauge';

const COUNTS = `
  SELECT count(*) FILTER (WHERE ended_at IS NULL)::int AS open,
    count(*) FILTER (WHERE ended_at IS NULL AND coalesce(extended_until, deadline_at) < clock_timestamp())::int AS overdue,
    count(*) FILTER (WHERE status = 'failed')::int AS failed
  FROM erasures`;
const NEXT_DEADLINE = `
  SELECT extract(epoch FROM min(coalesce(extended_until, deadline_at)) - clock_timestamp())::float8 AS seconds
  FROM erasures WHERE ended_at IS NULL`;

type Counts = Record<'open' | 'overdue' | 'failed', number>;
const UNKNOWN: Counts = { open: Number.NaN, overdue: Number.NaN, failed: Number.NaN };
const byState = (counts: Counts) => Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));

/** @param query runs one statement; it may fail or hang without harm to the scrape */
export function observeErasures(registry: Registry, query: (sql: string) => Promise<unknown[]>): void {
  observeGauge(registry, {
    name: 'countersign_erasures',
    help: 'Erasures by state. overdue: past the deadline that the law sets. failed: a person must act. NaN if PostgreSQL does not answer',
    labelNames: ['state'],
    read: async () => byState(((await query(COUNTS)) as Counts[])[0] ?? UNKNOWN),
    unknown: byState(UNKNOWN),
  });
  observeGauge(registry, {
    name: 'countersign_erasure_deadline_seconds',
    help: 'Seconds until the next deadline of an open erasure. Below 0: missed. NaN: none is open, or PostgreSQL does not answer',
    read: async () => {
      const [next] = (await query(NEXT_DEADLINE)) as { seconds: number | null }[];
      return [{ value: next?.seconds ?? Number.NaN }];
    },
    unknown: [{ value: Number.NaN }],
  });
}
