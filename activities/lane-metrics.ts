// Exposes to Prometheus how each lane's service fares and what waits for it.
import type { DatabaseGauge } from '../ops/runtime/database-gauges';

/** An outage of a service makes any number of items wait: reading this many says enough. */
const AT_MOST = 10_000;
const MAIL = `FROM drafts WHERE status = 'scheduled' AND claim_owner IS NULL`;
const CRM = `FROM crm_syncs WHERE status = 'waiting' AND claim_owner IS NULL`;

const count = (service: string, items: string) =>
  `SELECT '${service}' AS service, (SELECT count(*) FROM (SELECT 1 ${items} AND next_attempt_at <= now() LIMIT ${AT_MOST}) d) AS value`;
const oldest = (service: string, items: string) =>
  `SELECT '${service}' AS service,
    (SELECT coalesce(greatest(extract(epoch FROM clock_timestamp() - min(next_attempt_at)), 0), 0)::float8 ${items}) AS value`;
const known = [{ service: 'email' }, { service: 'hubspot' }];

export const LANE_GAUGES: DatabaseGauge[] = [
  {
    name: 'countersign_breaker_state',
    help: '1 for the state of the service, 0 for the other. open: its last attempt failed, a probe may be under way. Absent if PostgreSQL does not answer',
    labelNames: ['service', 'state'],
    sql: `SELECT name AS service, state, (state = CASE WHEN failures > 0 THEN 'open' ELSE 'closed' END)::int AS value
      FROM lanes, (VALUES ('closed'), ('open')) AS s (state) WHERE name <> 'relay'`,
  },
  {
    name: 'countersign_lane_due_items',
    help: `Items that are due and that the lane has not claimed; ${AT_MOST} stands for that many or more`,
    labelNames: ['service'],
    known,
    sql: `${count('email', MAIL)} UNION ALL ${count('hubspot', CRM)}`,
  },
  {
    name: 'countersign_lane_oldest_due_seconds',
    help: 'For how long the item that waits longest has been due, 0 if none is',
    labelNames: ['service'],
    known,
    sql: `${oldest('email', MAIL)} UNION ALL ${oldest('hubspot', CRM)}`,
  },
];
