// Reads from PostgreSQL what is stuck: each query goes by an index that holds nothing else.

import { workflowIdOf } from '../../activities/outbox/message-delivery';
import { type Database, Prisma } from '../../prisma/client';
import { draftApprovalId } from '../../workflows/contracts/draft-approval';
import {
  DEADLINE_NEAR_SECONDS,
  ERASURE_BUDGET_SECONDS,
  MESSAGE_BUDGET_SECONDS,
  RELEASE_BUDGET_SECONDS,
} from '../../workflows/contracts/duration-budgets';
import { HUBSPOT_LANE, laneId, MAIL_LANE } from '../../workflows/contracts/lane';
import { LANE_WORKFLOWS, LANES, type Lane } from '../../workflows/contracts/services';
import { userErasureId } from '../../workflows/contracts/user-erasure';
import { MOST_ITEMS, type StuckItem } from './item';

const LIMIT = MOST_ITEMS + 1;

export async function readRecorded(db: Database): Promise<StuckItem[]> {
  const found = await Promise.all([readLanes(db), readSteps(db), readItems(db), readMessages(db), readLate(db)]);
  return found.flat();
}

/** A lane that fails is one item, however much waits for it. */
async function readLanes(db: Database): Promise<StuckItem[]> {
  const failing = await db.lane.findMany({ where: { name: { in: [...LANES] }, failures: { gt: 0 } } });
  return failing.map(({ name, since, failures, lastError, nextAttemptAt }) => {
    const id = laneId(name);
    const process = LANE_WORKFLOWS[name as Lane];
    const code = lastError ?? 'unknown';
    return {
      process,
      id,
      workflowId: id,
      service: name,
      since,
      attempts: failures,
      code,
      nextAttemptAt,
      deadline: null,
    };
  });
}

const ERASURE_OF_STEP = Prisma.sql`
  CASE WHEN f.process = 'userErasure' AND f.workflow_id ~ '^erasure-[0-9a-f-]{36}$' THEN substr(f.workflow_id, 9)::uuid END`;

const readSteps = (db: Database): Promise<StuckItem[]> => db.$queryRaw`
  SELECT f.process, f.workflow_id AS id, f.workflow_id AS "workflowId", f.service, f.since, f.attempts, f.code,
    f.next_attempt_at AS "nextAttemptAt", coalesce(e.extended_until, e.deadline_at) AS deadline
  FROM failing_steps f LEFT JOIN erasures e ON e.id = ${ERASURE_OF_STEP}
  ORDER BY f.service, f.since LIMIT ${LIMIT}`;

/** A mail that was refused for now, and a contact that could not be written: each waits for its own next attempt. */
const readItems = (db: Database): Promise<StuckItem[]> => db.$queryRaw`
  (SELECT 'mailDelivery' AS process, id::text AS id, ${laneId(MAIL_LANE)} AS "workflowId", ${MAIL_LANE} AS service,
     coalesce(due_at, created_at) AS since, attempts, coalesce(failure_code, 'refused') AS code,
     next_attempt_at AS "nextAttemptAt", NULL::timestamptz AS deadline
   FROM drafts WHERE status = 'scheduled' AND attempts > 0 ORDER BY next_attempt_at LIMIT ${LIMIT})
  UNION ALL
  (SELECT 'crmSync', draft_id::text, ${laneId(HUBSPOT_LANE)}, ${HUBSPOT_LANE}, created_at, attempts,
     coalesce(failure_code, 'refused'), next_attempt_at, NULL
   FROM crm_syncs WHERE status = 'waiting' AND attempts > 0 ORDER BY next_attempt_at LIMIT ${LIMIT})`;

/** What Temporal has not been told: it refused the message, or it is away. */
async function readMessages(db: Database): Promise<StuckItem[]> {
  const rows = await db.$queryRaw<(Omit<StuckItem, 'workflowId'> & { entityId: string })[]>`
    SELECT process, entity_id AS "entityId", 'temporal' AS service, created_at AS since, attempts, 'not_told' AS code,
      next_try AS "nextAttemptAt", NULL::timestamptz AS deadline
    FROM (
      (SELECT * FROM outbox WHERE attempts > 1 ORDER BY created_at LIMIT ${LIMIT})
      UNION
      (SELECT * FROM outbox WHERE next_try < clock_timestamp() - make_interval(secs => ${MESSAGE_BUDGET_SECONDS})
       ORDER BY next_try LIMIT ${LIMIT})
    ) o ORDER BY created_at LIMIT ${LIMIT}`;
  return rows.map(({ entityId, ...row }) => {
    const id = workflowIdOf(row.process, entityId);
    return { ...row, id, workflowId: id };
  });
}

/** Work whose end is overdue though nothing fails. */
async function readLate(db: Database): Promise<StuckItem[]> {
  const rows = await db.$queryRaw<Omit<StuckItem, 'workflowId'>[]>`
    (SELECT 'draftApproval' AS process, id::text AS id, 'worker' AS service, updated_at AS since, 0 AS attempts,
       'not_released' AS code, NULL::timestamptz AS "nextAttemptAt", NULL::timestamptz AS deadline
     FROM drafts WHERE status = 'approved' AND updated_at < clock_timestamp() - make_interval(secs => ${RELEASE_BUDGET_SECONDS})
     ORDER BY created_at LIMIT ${LIMIT})
    UNION ALL
    (SELECT 'userErasure', id::text, 'worker', coalesce(begun_at, requested_at), 0,
       CASE WHEN begun_at < clock_timestamp() - make_interval(secs => ${ERASURE_BUDGET_SECONDS}) THEN 'over_budget' ELSE 'deadline_near' END,
       NULL, coalesce(extended_until, deadline_at)
     FROM erasures WHERE active_hash IS NOT NULL AND status IN ('erasing', 'scanning') AND (
       begun_at < clock_timestamp() - make_interval(secs => ${ERASURE_BUDGET_SECONDS})
       OR coalesce(extended_until, deadline_at) < clock_timestamp() + make_interval(secs => ${DEADLINE_NEAR_SECONDS}))
     ORDER BY deadline_at LIMIT ${LIMIT})`;
  return rows.map((row) => {
    const id = row.process === 'userErasure' ? userErasureId(row.id) : draftApprovalId(row.id);
    return { ...row, id, workflowId: id };
  });
}
