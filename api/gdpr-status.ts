// Whether what is promised about personal data is being done: asked of what does it, each time, in ten seconds at most.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Verification } from '../activities/audit-trail/verify';
import { DRAFT_RETENTION } from '../activities/draft-retention/cleanups';
import type { LedgerGate } from '../activities/erasure-ledger/gate';
import type { Logger } from '../ops/runtime/logging';
import { isPolled } from '../ops/runtime/pollers';
import type { Database } from '../prisma/client';
import { DRAFT_RETENTION_SCHEDULE } from '../workflows/contracts/draft-retention';
import { TASK_QUEUES } from '../workflows/contracts/task-queues';

/** Of about 400 looks at a schedule Temporal answers one after 5 s: it first asks a worker that does not hear. A long trail takes
 *  longer than this: what was found last holds until it is verified. */
const ANSWERS_WITHIN_MS = 10_000;
/** The sealer looks each second. */
const SEALED_WITHIN_SECONDS = 300;
const CARRIED_OUT_BY = ['workflows', 'activities'] as const;
/** Those that stop UPDATE, DELETE and TRUNCATE of the trail. */
const GUARDS = [
  'audit_events_append_only',
  'audit_events_pruned_only',
  'audit_events_covered_only',
  'audit_seals_append_only',
  'audit_seals_pruned_only',
  'audit_seals_covered_only',
  'audit_checkpoints_append_only',
];

export interface GdprFeatures {
  user_deletion: boolean;
  draft_cleanup: boolean;
  anonymization: boolean;
  audit_logging: boolean;
}

export interface GdprStatusDependencies {
  db: Database;
  temporal: Client;
  gate: LedgerGate;
  logger: Logger;
  verifyTrail(): Promise<Verification>;
}

export function createGdprStatus({ db, temporal, gate, logger, verifyTrail }: GdprStatusDependencies) {
  let verified: boolean | null = null;

  /** Somebody carries erasures out, none is late, and the ledger has been carried out here. */
  async function erasureWorks(): Promise<boolean> {
    const [{ ledgerPosition }, [late], ...polled] = await Promise.all([
      db.instance.findUniqueOrThrow({ where: { id: 1 } }),
      db.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count FROM erasures
        WHERE ended_at IS NULL AND coalesce(extended_until, deadline_at) < clock_timestamp()`,
      ...CARRIED_OUT_BY.map((type) =>
        isPolled(temporal, { taskQueue: TASK_QUEUES.processes, type, answersWithinMs: ANSWERS_WITHIN_MS }),
      ),
    ]);
    return late?.count === 0 && polled.every(Boolean) && (await gate.trouble(ledgerPosition)) === null;
  }

  /** It runs every night, nobody has paused it, and its last run did not fail. */
  async function retentionWorks(): Promise<boolean> {
    const [schedule, last] = await Promise.all([
      temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () =>
        temporal.schedule.getHandle(DRAFT_RETENTION_SCHEDULE).describe(),
      ),
      db.cleanup.findFirst({ where: { process: DRAFT_RETENTION }, orderBy: { startedAt: 'desc' } }),
    ]);
    return !schedule.state.paused && last?.status !== 'failed';
  }

  /** Nothing that identifies anybody is left in an erased draft. */
  async function anonymisationHolds(): Promise<boolean> {
    const [found] = await db.$queryRaw<{ left: boolean }[]>`
      SELECT EXISTS (
        SELECT 1 FROM drafts d WHERE d.status = 'erased' AND (d."to" IS NOT NULL OR d.reply_to IS NOT NULL
          OR d.metadata IS NOT NULL OR d.idempotency_key IS NOT NULL OR d.recipient_hashes <> '{}'
          OR EXISTS (SELECT 1 FROM revisions r WHERE r.draft_id = d.id)
          OR EXISTS (SELECT 1 FROM notes n WHERE n.draft_id = d.id))) AS left`;
    return found?.left === false;
  }

  /** It can only be added to, all of it is sealed soon, and it is what was written. */
  async function auditHolds(): Promise<boolean> {
    const rows = await db.$queryRaw<{ name: string }[]>`
      SELECT tgname AS name FROM pg_trigger WHERE tgname = ANY (${GUARDS}) AND tgenabled IN ('O', 'A')`;
    if (rows.length < GUARDS.length) return false;
    const looked = verifyTrail().then(({ ok, unsealed }) => {
      verified = ok && unsealed.oldestSeconds < SEALED_WITHIN_SECONDS;
      return verified;
    });
    const waiting = new AbortController();
    const meanwhile = delay(ANSWERS_WITHIN_MS, null, { signal: waiting.signal }).then(
      () => verified ?? false,
      () => false,
    );
    return Promise.race([looked, meanwhile]).finally(() => waiting.abort());
  }

  async function holds(feature: keyof GdprFeatures, check: () => Promise<boolean>): Promise<boolean> {
    try {
      return await check();
    } catch (err) {
      logger.warn({ err, feature }, 'The status calls this missing: it could not be looked at');
      return false;
    }
  }

  return async function look(): Promise<GdprFeatures> {
    const [user_deletion, draft_cleanup, anonymization, audit_logging] = await Promise.all([
      holds('user_deletion', erasureWorks),
      holds('draft_cleanup', retentionWorks),
      holds('anonymization', anonymisationHolds),
      holds('audit_logging', auditHolds),
    ]);
    return { user_deletion, draft_cleanup, anonymization, audit_logging };
  };
}
