// Tells how each external service fares: from Temporal while it answers, else from what PostgreSQL has recorded.
import type { Client } from '@temporalio/client';
import { type FailingService, readFailingServices } from '../activities/failing-steps/failing-services';
import { countWaiting, type WaitingItems } from '../activities/waiting-items';
import type { Database } from '../prisma/client';
import { isLane, LANES, type Lane, SERVICES, type Service } from '../workflows/contracts/services';
import { askLane, type LaneKnown } from './lane-attempt';

/** Many may ask at once; each process asks once a second for all of them. */
const KEPT_MS = 1_000;

/** Times ISO 8601. */
export interface Breaker {
  state: 'closed' | 'open' | 'half_open';
  configured: boolean;
  paused: boolean;
  /** A principal's id. */
  pausedBy: string | null;
  pausedSince: string | null;
  waiting: number;
  moreWaiting: boolean;
  oldestWaitingSince: string | null;
  failures: number;
  /** A code. */
  lastError: string | null;
  /** Since when it is in this state; null: it has never been seen in another one. */
  since: string | null;
  nextAttemptAt: string | null;
  /** Who knows this: Temporal now, or PostgreSQL as it was last recorded. */
  source: 'temporal' | 'postgresql';
}

export type Breakers = Record<Service, Breaker>;

interface LaneRow {
  name: Lane;
  enabled: boolean;
  failures: number;
  lastError: string | null;
  since: Date;
  nextAttemptAt: Date | null;
  pausedAt: Date | null;
  pausedBy: string | null;
}

export interface LanesDependencies {
  db: Database;
  temporal: Client;
}

export function createLanes({ db, temporal }: LanesDependencies) {
  let kept: { breakers: Promise<Breakers>; until: number } | null = null;
  async function look(): Promise<Breakers> {
    // Workers record whether a lane is enabled, so the API needs no credentials of the services.
    const rows = (await db.lane.findMany({ where: { name: { in: [...LANES] } } })) as LaneRow[];
    const [steps, ...lanes] = await Promise.all([
      readFailingServices(db),
      ...rows
        .filter(({ enabled }) => enabled)
        .map(async (row) => {
          const [waiting, known] = await Promise.all([countWaiting(db, row.name), askLane(temporal, row.name)]);
          return { row, waiting, known };
        }),
    ]);
    const breakerOf = (service: Service): Breaker => {
      const lane = lanes.find(({ row }) => row.name === service);
      if (!lane && isLane(service)) return CLOSED;
      const failing = steps.find((one) => one.service === service);
      const breaker = lane ? ofLane(lane) : { ...CLOSED, configured: true };
      return breaker.state === 'closed' && failing ? { ...breaker, ...ofSteps(failing) } : breaker;
    };
    return Object.fromEntries(SERVICES.map((service) => [service, breakerOf(service)])) as Breakers;
  }

  return {
    breakers(): Promise<Breakers> {
      if (!kept || kept.until <= Date.now()) kept = { breakers: look(), until: Date.now() + KEPT_MS };
      return kept.breakers;
    },
    /** What was just changed shows in the next look. */
    forget() {
      kept = null;
    },
  };
}

export type Lanes = ReturnType<typeof createLanes>;
export { isLane, type Lane, SERVICES, type Service };

const CLOSED: Breaker = {
  state: 'closed',
  configured: false,
  paused: false,
  pausedBy: null,
  pausedSince: null,
  waiting: 0,
  moreWaiting: false,
  oldestWaitingSince: null,
  failures: 0,
  lastError: null,
  since: null,
  nextAttemptAt: null,
  source: 'postgresql',
};

/** The row counts failures and outlives every attempt; only Temporal knows whether an attempt waits or runs. */
function ofLane({ row, waiting, known }: { row: LaneRow; waiting: WaitingItems; known: LaneKnown }): Breaker {
  const isFailing = row.failures > 0;
  const recorded = row.pausedAt ? { actor: row.pausedBy, since: row.pausedAt.toISOString() } : null;
  const paused = known.paused === undefined ? recorded : known.paused;
  const nextAttemptAt = known.attempt ? known.attempt.nextAttemptAt : row.nextAttemptAt;
  return {
    state: isFailing ? (known.attempt?.isRunning ? 'half_open' : 'open') : 'closed',
    configured: true,
    paused: paused !== null,
    pausedBy: paused?.actor ?? null,
    pausedSince: paused?.since ?? null,
    ...waiting,
    oldestWaitingSince: iso(waiting.oldestWaitingSince),
    failures: row.failures,
    lastError: isFailing ? row.lastError : null,
    since: row.since.toISOString(),
    nextAttemptAt: isFailing && paused === null ? iso(nextAttemptAt) : null,
    source: known.attempt ? 'temporal' : 'postgresql',
  };
}

/** Trouble that processes have with it outside of a lane. */
const ofSteps = ({ isRunning, failures, code, since, nextAttemptAt, steps }: FailingService) => ({
  state: isRunning ? ('half_open' as const) : ('open' as const),
  waiting: steps,
  oldestWaitingSince: since.toISOString(),
  failures,
  lastError: code,
  since: since.toISOString(),
  nextAttemptAt: iso(nextAttemptAt),
});

const iso = (date: Date | null) => date?.toISOString() ?? null;
