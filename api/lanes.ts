// How the external services fare: what their lane's row says, and what Temporal knows of its next attempt.
import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import type { Database } from '../prisma/client';
import { laneId, MAIL_LANE, state } from '../workflows/contracts/lane';

const KEPT_MS = 1_000;
const TEMPORAL_ANSWERS_WITHIN_MS = 1_000;
/** Of `PendingActivityState`: in backoff, or about to start; running. */
const SCHEDULED = 1;
const STARTED = 2;

export const SERVICES = ['email', 'hubspot'] as const;
export type Service = (typeof SERVICES)[number];

export interface Breaker {
  state: 'closed' | 'open' | 'half_open';
  configured: boolean;
  /** Null: nobody could be asked. */
  paused: boolean | null;
  /** What is due now. */
  waiting: number;
  failures: number;
  lastError: string | null;
  since: string;
  nextAttemptAt: string | null;
}

interface LaneRow {
  name: Service;
  failures: number;
  lastError: string | null;
  since: Date;
}

/** What is only known to Temporal; unknown while it is away. */
interface Attempt {
  running: boolean;
  nextAttemptAt: string | null;
}

export function createLanes({ db, temporal, hubspot }: { db: Database; temporal: Client; hubspot: boolean }) {
  let kept: { breakers: Promise<Record<Service, Breaker>>; until: number } | null = null;

  async function look(): Promise<Record<Service, Breaker>> {
    const [rows, [due], email] = await Promise.all([
      db.$queryRaw<
        LaneRow[]
      >`SELECT name, failures, last_error AS "lastError", since FROM lanes WHERE name IN ('email', 'hubspot')`,
      db.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count FROM drafts WHERE status = 'scheduled' AND next_attempt_at <= now()`,
      lookAtLane(temporal),
    ]);
    const row = (name: Service) => rows.find((one) => one.name === name);
    return {
      email: toBreaker(row('email'), { configured: true, waiting: due?.count ?? 0, ...email }),
      hubspot: toBreaker(row('hubspot'), { configured: hubspot, waiting: 0, paused: false, attempt: null }),
    };
  }

  return {
    breakers(): Promise<Record<Service, Breaker>> {
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

type Known = Pick<Breaker, 'configured' | 'paused' | 'waiting'> & { attempt: Attempt | null };

function toBreaker(row: LaneRow | undefined, { attempt, ...known }: Known): Breaker {
  const failures = row?.failures ?? 0;
  const isFailing = failures > 0;
  return {
    state: isFailing ? (attempt?.running ? 'half_open' : 'open') : 'closed',
    ...known,
    failures,
    lastError: isFailing ? (row?.lastError ?? null) : null,
    since: (row?.since ?? new Date(0)).toISOString(),
    nextAttemptAt: isFailing ? (attempt?.nextAttemptAt ?? null) : null,
  };
}

async function lookAtLane(temporal: Client): Promise<{ paused: boolean | null; attempt: Attempt | null }> {
  const lane = temporal.workflow.getHandle(laneId(MAIL_LANE));
  return temporal.withDeadline(Date.now() + TEMPORAL_ANSWERS_WITHIN_MS, async () => {
    const [attempt, paused] = await Promise.all([
      describeActivity(lane).catch(() => null),
      // The workflow itself knows, but only while a worker runs it.
      lane.query(state).then(
        (known) => known.paused !== null,
        (error) => (error instanceof WorkflowNotFoundError ? false : null),
      ),
    ]);
    return { attempt, paused };
  });
}

async function describeActivity(lane: WorkflowHandle): Promise<Attempt> {
  const { raw } = await lane.describe();
  const activity = raw.pendingActivities?.[0];
  const next = activity?.nextAttemptScheduleTime ?? activity?.scheduledTime;
  const isWaiting = activity?.state === SCHEDULED && next?.seconds;
  const ms = next ? Number(next.seconds) * 1000 + (next.nanos ?? 0) / 1e6 : 0;
  return { running: activity?.state === STARTED, nextAttemptAt: isWaiting ? new Date(ms).toISOString() : null };
}
