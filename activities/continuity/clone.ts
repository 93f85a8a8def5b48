// Turns a copy of a database into an installation of its own: withdraws all open drafts and ends all keys and sessions.
import { type Database, UUIDV7 } from '../../prisma/client';
import { SYSTEM } from '../commands/context';
import { UNCONFIRMED } from '../commands/failure-codes';
import { IS_OPEN } from '../personal-data/erase-drafts';
import { NO_NEIGHBOURS } from '../rewind/life';

export interface BrokenAway {
  generation: number;
  withdrawn: number;
  parked: number;
}

/** Runs in one transaction. Idempotent. */
export async function breakAway(db: Database, adoptionId: string): Promise<BrokenAway> {
  return db.$transaction(
    async (transaction) => {
      const tx = transaction as Database;
      const [ended] = await tx.$queryRaw<[{ withdrawn: number; parked: number }]>`
        WITH ended AS (
          UPDATE drafts d SET status = CASE d.status WHEN 'sending' THEN 'failed' ELSE 'withdrawn' END,
            outcome = CASE d.status WHEN 'sending' THEN 'unknown' END,
            failure_code = CASE d.status WHEN 'sending' THEN ${UNCONFIRMED}::text END,
            version = d.version + 1, updated_at = clock_timestamp(), next_attempt_at = NULL, claim_owner = NULL
          WHERE ${IS_OPEN}
          RETURNING d.id, d.revision, d.status, d.updated_at
        ), event AS (
          INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
          SELECT ${UUIDV7}, CASE status WHEN 'failed' THEN 'draft.parked' ELSE 'draft.withdrawn' END, updated_at, ${SYSTEM.id}::uuid,
            'draft', id, revision, ${adoptionId}::uuid, '{"code": "copied"}'
          FROM ended
        )
        SELECT count(*) FILTER (WHERE status = 'withdrawn')::int AS withdrawn,
          count(*) FILTER (WHERE status = 'failed')::int AS parked FROM ended`;
      await tx.session.deleteMany();
      await tx.apiKey.updateMany({ where: { endedAt: null }, data: { endedAt: new Date() } });
      await tx.outboxMessage.deleteMany();
      // The original logs its mails itself.
      await tx.crmSync.deleteMany();
      await tx.lane.updateMany({ data: { held: true, owner: null, journalRun: null, server: null } });
      // Its own store has neither ledger nor anchors yet.
      await tx.auditProgress.updateMany({ data: { anchored: 0n, anchoredAt: null } });
      const { generation } = await tx.instance.update({
        where: { id: 1 },
        data: { ...NO_NEIGHBOURS, generation: { increment: 1 }, ledgerPosition: 0 },
      });
      return { generation, ...ended };
    },
    { timeout: 600_000 },
  );
}
