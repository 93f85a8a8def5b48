// Exposes to Prometheus how many messages wait for Temporal, and for how long.
import type { DatabaseGauge } from '../../ops/runtime/database-gauges';

/** A backlog of an outage may have millions: reading this many says enough. */
const AT_MOST = 10_000;

export const OUTBOX_GAUGES: DatabaseGauge[] = [
  {
    name: 'countersign_outbox_messages',
    help: `Messages that are still to be delivered to Temporal; ${AT_MOST} stands for that many or more`,
    sql: `SELECT count(*) AS value FROM (SELECT 1 FROM outbox LIMIT ${AT_MOST}) o`,
  },
  {
    name: 'countersign_outbox_oldest_seconds',
    help: `Age of the oldest message that is still to be delivered, 0 if there is none; of the first ${AT_MOST}`,
    sql: `SELECT coalesce(greatest(extract(epoch FROM clock_timestamp() - min(created_at)), 0), 0)::float8 AS value
      FROM (SELECT created_at FROM outbox LIMIT ${AT_MOST}) o`,
  },
];
