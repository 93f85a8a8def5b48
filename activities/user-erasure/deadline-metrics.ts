// Shows the state of erasures to Prometheus, so that an alert comes before a deadline is missed.
import type { DatabaseGauge } from '../../ops/runtime/database-gauges';

const DEADLINE = 'coalesce(extended_until, deadline_at)';

export const ERASURE_GAUGES: DatabaseGauge[] = [
  {
    name: 'countersign_erasures',
    help: 'Erasures by state. overdue: past the deadline that the law sets. failed: a person must act. NaN if PostgreSQL does not answer',
    labelNames: ['state'],
    known: ['open', 'overdue', 'failed'].map((state) => ({ state })),
    sql: `SELECT state, value FROM (
        SELECT count(*) FILTER (WHERE ended_at IS NULL) AS open,
          count(*) FILTER (WHERE ended_at IS NULL AND ${DEADLINE} < clock_timestamp()) AS overdue,
          count(*) FILTER (WHERE status = 'failed') AS failed
        FROM erasures) counts, LATERAL (VALUES ('open', open), ('overdue', overdue), ('failed', failed)) AS v (state, value)`,
  },
  {
    name: 'countersign_erasure_deadline_seconds',
    help: 'Seconds until the next deadline of an open erasure. Below 0: missed. NaN: none is open, or PostgreSQL does not answer',
    sql: `SELECT extract(epoch FROM min(${DEADLINE}) - clock_timestamp())::float8 AS value
      FROM erasures WHERE ended_at IS NULL`,
  },
];
