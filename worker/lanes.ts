// Keeps the lanes running: whatever became of one, the next look starts it again.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from '../ops/runtime/logging';
import { createOutage } from '../ops/runtime/outage';
import type { Database } from '../prisma/client';
import type { mailDelivery } from '../workflows';
import { laneId, MAIL_LANE, type Paused } from '../workflows/contracts/lane';
import { ProcessAttribute, ServiceAttribute } from '../workflows/contracts/search-attributes';
import { TASK_QUEUES } from '../workflows/contracts/task-queues';

const LOOKS_EACH_MS = 30_000;
/** Temporal that is away costs an attempt nothing, and mail waits for the lane: no longer backoff. */
const TRIES_AGAIN_MS = 1_000;

export interface KeepLanes {
  db: Database;
  temporal: Client;
  logger: Logger;
}

export async function keepLanes({ db, temporal, logger }: KeepLanes, stopping: AbortSignal): Promise<void> {
  const outage = createOutage({
    logger,
    began: 'The lanes could not be looked after; Temporal may be away',
    ended: 'The lanes are looked after again',
    firstMs: TRIES_AGAIN_MS,
    mostMs: TRIES_AGAIN_MS,
  });
  while (!stopping.aborted) {
    const wait = await ensureMailLane(db, temporal).then(
      () => {
        outage.worked();
        return LOOKS_EACH_MS;
      },
      (err) => outage.failed(err),
    );
    await delay(wait, undefined, { signal: stopping }).catch(() => {});
  }
}

async function ensureMailLane(db: Database, temporal: Client): Promise<void> {
  const paused = await readPause(db, MAIL_LANE);
  await temporal.workflow.start<typeof mailDelivery>('mailDelivery', {
    workflowId: laneId(MAIL_LANE),
    taskQueue: TASK_QUEUES.processes,
    args: [{ paused }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'Delivers mail',
    typedSearchAttributes: [
      { key: ProcessAttribute, value: 'mailDelivery' },
      { key: ServiceAttribute, value: MAIL_LANE },
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
