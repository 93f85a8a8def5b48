// Every process that is still open hears its state again, from its row: a Temporal store that is new to this database knows
// none of them, or another life of them.
import { setTimeout as delay } from 'node:timers/promises';
import { FIRST_UUID } from '../../ops/runtime/uuids';
import { type Database, ISO_8601, Prisma } from '../../prisma/client';
import { DRAFT_STATUSES, isFinal } from '../../workflows/contracts/draft-approval';
import { DRAFT_RETENTION } from '../draft-retention/cleanups';
import type { Message } from './message-delivery';
import { WRITE_MESSAGES, writeMessage } from './outbox';

/** What waits in the outbox at once: whatever else is told meanwhile is not long behind it. */
const BATCH = 200;
const LOW_WATER = 50;
const LOOKS_EACH_MS = 100;

const OPEN = [
  ...DRAFT_STATUSES.filter((status) => !isFinal({ status, outcome: null })).map(
    (status) => Prisma.sql`d.status = ${status}`,
  ),
  Prisma.sql`d.status = 'failed' AND d.outcome = 'unknown'`,
];

/** Writes as much as is delivered meanwhile. Repeats do no harm: a run keeps the newest state, and a new one reads its row
 *  first. @returns false where `stopping` came first */
export async function tellOpenProcesses(db: Database, announce: () => void, stopping: AbortSignal): Promise<boolean> {
  for (const status of OPEN) {
    for (let after: After | null = { createdAt: new Date(0), id: FIRST_UUID }; after; ) {
      if (!(await hasRoom(db, stopping))) return false;
      after = await tellDrafts(db, status, after);
      announce();
    }
  }
  await tellCleanups(db);
  announce();
  return true;
}

interface After {
  createdAt: Date;
  id: string;
}

/** By the index on status and time. @returns the last that was told; null where that were all */
async function tellDrafts(db: Database, isOpen: Prisma.Sql, { createdAt, id }: After): Promise<After | null> {
  const [page] = await db.$queryRaw<[{ count: number; last: After | null }]>`
    WITH page AS MATERIALIZED (
      SELECT d.* FROM drafts d
      WHERE ${isOpen} AND (d.created_at, d.id) > (${createdAt}::timestamptz, ${id}::uuid)
      ORDER BY d.created_at, d.id LIMIT ${BATCH}
    ), news AS (
      SELECT d.id, i.generation, d.version, d.status, jsonb_build_object('generation', i.generation, 'version', d.version,
        'status', d.status, 'revision', d.revision, 'expiresAt', to_char(d.expires_at AT TIME ZONE 'UTC', ${ISO_8601}),
        'dueAt', to_char(d.due_at AT TIME ZONE 'UTC', ${ISO_8601}), 'outcome', d.outcome) AS message
      FROM page d, instance i WHERE d.needs_people AND i.id = 1
    ), ${WRITE_MESSAGES}
    SELECT (SELECT count(*)::int FROM page) AS count,
      (SELECT json_build_object('createdAt', created_at, 'id', id) FROM page ORDER BY created_at DESC, id DESC LIMIT 1) AS last`;
  return page.count < BATCH || !page.last ? null : { ...page.last, createdAt: new Date(page.last.createdAt) };
}

/** Erasures are told of all the time (worker/erasures.ts). */
async function tellCleanups(db: Database): Promise<void> {
  const { generation } = await db.instance.findUniqueOrThrow({ where: { id: 1 } });
  const running = await db.cleanup.findMany({ where: { process: DRAFT_RETENTION, status: 'running' } });
  for (const { id, version, status } of running) {
    const state: Message['state'] = { generation, version, status };
    await writeMessage(db, { process: DRAFT_RETENTION, entityId: id, state });
  }
}

async function hasRoom(db: Database, stopping: AbortSignal): Promise<boolean> {
  while (!stopping.aborted) {
    const [{ due }] = await db.$queryRaw<[{ due: number }]>`
      SELECT count(*)::int AS due FROM (SELECT 1 FROM outbox WHERE next_try <= clock_timestamp() LIMIT ${LOW_WATER}) o`;
    if (due < LOW_WATER) return true;
    await delay(LOOKS_EACH_MS, undefined, { signal: stopping }).catch(() => {});
  }
  return false;
}
