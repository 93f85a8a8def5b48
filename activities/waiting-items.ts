// Counts what waits for a service, at a cost that does not grow with it.
import { type Database, Prisma } from '../prisma/client';
import { HUBSPOT_LANE, MAIL_LANE } from '../workflows/contracts/lane';
import type { Lane } from '../workflows/contracts/services';

/** Nobody acts differently on more. */
export const MOST_COUNTED = 10_000;

export interface WaitingItems {
  /** At most `MOST_COUNTED`. */
  waiting: number;
  /** Whether more wait than were counted. */
  moreWaiting: boolean;
  /** Since when the oldest has been due; null if nothing waits. */
  oldestWaitingSince: Date | null;
}

/** Each reads at most one more than is counted, in the order of the partial index that the lane claims by. */
const DUE: Record<Lane, Prisma.Sql> = {
  [MAIL_LANE]: Prisma.sql`
    (SELECT next_attempt_at AS at FROM drafts WHERE status = 'scheduled' AND claim_owner IS NULL AND next_attempt_at <= now()
     ORDER BY next_attempt_at LIMIT ${MOST_COUNTED + 1})
    UNION ALL (SELECT next_attempt_at FROM drafts WHERE status = 'scheduled' AND claim_owner IS NOT NULL LIMIT ${MOST_COUNTED + 1})`,
  [HUBSPOT_LANE]: Prisma.sql`
    (SELECT next_attempt_at AS at FROM crm_syncs WHERE status = 'waiting' AND claim_owner IS NULL AND next_attempt_at <= now()
     ORDER BY next_attempt_at LIMIT ${MOST_COUNTED + 1})
    UNION ALL (SELECT next_attempt_at FROM crm_syncs WHERE status = 'waiting' AND claim_owner IS NOT NULL LIMIT ${MOST_COUNTED + 1})`,
};

/** What is due now and not yet under way. */
export async function countWaiting(db: Database, lane: Lane): Promise<WaitingItems> {
  const [row] = await db.$queryRaw<[{ count: number; oldest: Date | null }]>(dueItems(lane));
  const { count, oldest } = row;
  return { waiting: Math.min(count, MOST_COUNTED), moreWaiting: count > MOST_COUNTED, oldestWaitingSince: oldest };
}

export const dueItems = (lane: Lane): Prisma.Sql =>
  Prisma.sql`SELECT count(*)::int AS count, min(at) AS oldest FROM (${DUE[lane]}) due`;
