// All gauges that a worker reads from PostgreSQL, in one statement a scrape.
import { SEAL_GAUGES } from '../activities/audit-trail/metrics';
import { HELD_GAUGE } from '../activities/continuity/metrics';
import { DRAFT_GAUGES } from '../activities/draft-metrics';
import { LANE_GAUGES } from '../activities/lane-metrics';
import { OUTBOX_GAUGES } from '../activities/outbox/metrics';
import { ERASURE_GAUGES } from '../activities/user-erasure/deadline-metrics';
import type { DatabaseGauge } from '../ops/runtime/database-gauges';

export const DATABASE_GAUGES: readonly DatabaseGauge[] = [
  HELD_GAUGE,
  ...OUTBOX_GAUGES,
  ...LANE_GAUGES,
  ...DRAFT_GAUGES,
  ...SEAL_GAUGES,
  ...ERASURE_GAUGES,
];
