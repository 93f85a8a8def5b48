// How erasures fare, for alerts before a deadline is missed. Asked when Prometheus asks.
import { Gauge, type Registry } from 'prom-client';
import type { Database } from '../../prisma/client';

export function observeErasures(registry: Registry, db: Database): void {
  new Gauge({
    name: 'countersign_erasures',
    help: 'Erasures: open; of these overdue, past what the law allows; and failed ones, which a person has to look at',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      const [counts] = await db.$queryRaw<{ open: number; overdue: number; failed: number }[]>`
        SELECT count(*) FILTER (WHERE ended_at IS NULL)::int AS open,
          count(*) FILTER (WHERE ended_at IS NULL AND coalesce(extended_until, deadline_at) < clock_timestamp())::int AS overdue,
          count(*) FILTER (WHERE status = 'failed')::int AS failed
        FROM erasures`;
      for (const [state, count] of Object.entries(counts ?? {})) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'countersign_erasure_deadline_seconds',
    help: 'Seconds until the next deadline of an open erasure; below 0 once it is missed, NaN where none is open',
    registers: [registry],
    async collect() {
      const [next] = await db.$queryRaw<{ seconds: number | null }[]>`
        SELECT extract(epoch FROM min(coalesce(extended_until, deadline_at)) - clock_timestamp())::float8 AS seconds
        FROM erasures WHERE ended_at IS NULL`;
      this.set(next?.seconds ?? Number.NaN);
    },
  });
}
