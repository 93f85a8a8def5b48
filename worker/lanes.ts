// Keeps the lanes running: whatever became of one, the next look starts it again.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from '../ops/runtime/logging';
import { createOutage } from '../ops/runtime/outage';
import type { Database } from '../prisma/client';
import { HUBSPOT_LANE, type LaneInput, laneId, MAIL_LANE, type Paused } from '../workflows/contracts/lane';
import { ProcessAttribute, ServiceAttribute } from '../workflows/contracts/search-attributes';
import { LANE_WORKFLOWS, type Lane } from '../workflows/contracts/services';
import { TASK_QUEUES } from '../workflows/contracts/task-queues';

const LOOKS_EACH_MS = 30_000;
/** Temporal that is away costs an attempt nothing, and mail waits for the lane: no longer backoff. */
const TRIES_AGAIN_MS = 1_000;

/** As the Web UI shows it. */
const SUMMARIES = { [MAIL_LANE]: 'Delivers mail', [HUBSPOT_LANE]: 'Logs mails in HubSpot' };

/** Writes down whether HubSpot is configured. Until it is, nothing is kept for it. */
export async function noteHubspot(db: Database, enabled: boolean): Promise<void> {
  await db.lane.updateMany({ where: { name: HUBSPOT_LANE, NOT: { enabled } }, data: { enabled } });
}

export interface KeepLanes {
  db: Database;
  temporal: Client;
  logger: Logger;
  lanes: readonly Lane[];
}

export async function keepLanes({ db, temporal, logger, lanes }: KeepLanes, stopping: AbortSignal): Promise<void> {
  const outage = createOutage({
    logger,
    began: 'The lanes could not be looked after; Temporal may be away',
    ended: 'The lanes are looked after again',
    firstMs: TRIES_AGAIN_MS,
    mostMs: TRIES_AGAIN_MS,
  });
  while (!stopping.aborted) {
    const wait = await Promise.all(lanes.map((lane) => ensureLane(db, temporal, lane))).then(
      () => {
        outage.worked();
        return LOOKS_EACH_MS;
      },
      (err) => outage.failed(err),
    );
    await delay(wait, undefined, { signal: stopping }).catch(() => {});
  }
}

async function ensureLane(db: Database, temporal: Client, lane: Lane): Promise<void> {
  const type = LANE_WORKFLOWS[lane];
  const paused = await readPause(db, lane);
  await temporal.workflow.start<(input: LaneInput) => Promise<never>>(type, {
    workflowId: laneId(lane),
    taskQueue: TASK_QUEUES.processes,
    args: [{ paused }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: SUMMARIES[lane],
    typedSearchAttributes: [
      { key: ProcessAttribute, value: type },
      { key: ServiceAttribute, value: lane },
    ],
  });
}

/** A lane that was terminated, or whose Temporal store was lost, starts as an operator left it. */
async function readPause(db: Database, lane: string): Promise<Paused | null> {
  const row = await db.lane.findUnique({ where: { name: lane } });
  if (!row?.pausedAt || !row.pausedBy) return null;
  const { pausedAt, pausedBy: actor, pausedNote: note } = row;
  return { actor, ...(note ? { note } : {}), since: pausedAt.toISOString() };
}
