// A lost draft changes places with what the restored database has of it.
import { type Database, Prisma, UUIDV7 } from '../../prisma/client';
import { SYSTEM } from '../commands/context';
import { REWOUND } from '../commands/failure-codes';
import { IS_OPEN } from '../personal-data/erase-drafts';
import { among, type Rows, readRows } from './copy-rows';

/** Who was told that something is lost may have handed it in again, under the same key: what it was first is what counts. */
export async function giveWay(tx: Database, drafts: Rows): Promise<void> {
  await tx.$executeRaw`
    WITH again AS (
      SELECT d.id FROM drafts d JOIN jsonb_to_recordset(${drafts}::jsonb) AS r (id uuid, author_id uuid, idempotency_key text)
        ON d.author_id = r.author_id AND d.idempotency_key = r.idempotency_key AND d.id <> r.id
    ), freed AS (
      UPDATE drafts d SET idempotency_key = NULL, version = d.version + 1, updated_at = clock_timestamp(), claim_owner = NULL,
        next_attempt_at = CASE WHEN ${IS_OPEN} THEN NULL ELSE d.next_attempt_at END,
        status = CASE WHEN ${IS_OPEN} THEN 'withdrawn' ELSE d.status END
      FROM again WHERE d.id = again.id RETURNING d.id, d.revision, d.updated_at, d.status
    )
    INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, data)
    SELECT ${UUIDV7}, 'draft.withdrawn', updated_at, ${SYSTEM.id}::uuid, 'draft', id, revision, '{"code": "handed_in_again"}'
    FROM freed WHERE status = 'withdrawn'`;
}

/** What the restored database has of them. */
export interface Here {
  /** By id, as JSON. */
  versions: string;
  verdicts: Rows;
  notes: Rows;
}

export async function takeOut(tx: Database, ids: string[]): Promise<Here> {
  const [{ versions }] = await tx.$queryRaw<[{ versions: string }]>`
    SELECT coalesce(jsonb_object_agg(id, version), '{}')::text AS versions FROM drafts WHERE id = ANY (${ids}::uuid[])`;
  const verdicts = await readRows(tx, 'verdicts', among(ids, 'draft_id'));
  const notes = await readRows(tx, 'notes', among(ids, 'draft_id'));
  await tx.draft.deleteMany({ where: { id: { in: ids } } });
  return { versions, verdicts, notes };
}

/** A conversation that was open when the truth ended has an unknown outcome. A claim is nobody's any more; only where the truth
 *  may go on beyond what is known of it, the mail may have gone out. */
export async function putIn(tx: Database, drafts: Rows, versions: string, isWhole: boolean): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO drafts
    SELECT r.* FROM jsonb_array_elements(${drafts}::jsonb) d,
      LATERAL (SELECT d->>'status' = 'sending' AS was_open,
        d->>'status' = 'scheduled' AND d->>'claim_owner' IS NOT NULL AND NOT ${isWhole}::boolean AS may_be_open) s,
      jsonb_populate_record(NULL::drafts, d || jsonb_build_object('claim_owner', NULL, 'updated_at', clock_timestamp(),
        'version', greatest((d->>'version')::int, coalesce((${versions}::jsonb->>(d->>'id'))::int, 0)) + 1)
        || CASE WHEN was_open OR may_be_open THEN jsonb_build_object('status', 'failed', 'outcome', 'unknown', 'next_attempt_at', NULL,
             'failure_code', CASE WHEN was_open THEN 'outcome_unknown' ELSE ${REWOUND}::text END) ELSE '{}' END) r`;
}

/** What people said in the new life stays written down; it approves nothing. */
export async function putBack(tx: Database, { verdicts, notes }: Here): Promise<void> {
  const isErased = Prisma.sql`EXISTS (SELECT 1 FROM drafts d WHERE d.id = r.draft_id AND d.status = 'erased')`;
  await tx.$executeRaw`
    INSERT INTO verdicts
    SELECT r.* FROM jsonb_array_elements(${verdicts}::jsonb) v, jsonb_populate_record(NULL::verdicts,
      v || jsonb_build_object('dismissed_at', coalesce((v->>'dismissed_at')::timestamptz, clock_timestamp()))) r
    WHERE NOT ${isErased} ON CONFLICT DO NOTHING`;
  await tx.$executeRaw`
    INSERT INTO notes SELECT r.* FROM jsonb_populate_recordset(NULL::notes, ${notes}::jsonb) r WHERE NOT ${isErased} ON CONFLICT DO NOTHING`;
}

/** What was erased here says no more than how it ended, and who decided it: as the truth knows that. */
export async function correctErased(tx: Database, drafts: Rows, verdicts: Rows): Promise<void> {
  await tx.$executeRaw`
    UPDATE drafts d SET version = greatest(d.version, r.version) + 1, updated_at = clock_timestamp(), revision = r.revision,
      final_status = CASE r.status WHEN 'erased' THEN r.final_status WHEN 'sending' THEN 'failed' ELSE r.status END,
      outcome = CASE r.status WHEN 'sending' THEN 'unknown' ELSE r.outcome END, failure_code = r.failure_code, sent_at = r.sent_at
    FROM jsonb_populate_recordset(NULL::drafts, ${drafts}::jsonb) r WHERE d.id = r.id AND d.status = 'erased'`;
  await tx.$executeRaw`
    INSERT INTO verdicts SELECT v.* FROM jsonb_array_elements(${verdicts}::jsonb) j,
      jsonb_populate_record(NULL::verdicts, j || '{"comment": null}') v ON CONFLICT DO NOTHING`;
}
