// Lost drafts as the truth has them, a few in a transaction: rows, words, verdicts, files, and what happened to them.
import { type Database, ISO_8601, Prisma, UUIDV7 } from '../../prisma/client';
import { SYSTEM } from '../commands/context';
import { REWOUND } from '../commands/failure-codes';
import { WRITE_MESSAGES } from '../outbox/outbox';
import { eraseDrafts, IS_HELD, IS_OPEN } from '../personal-data/erase-drafts';
import { insertRows, type Rows, readRows } from './copy-rows';
import { compareDrafts, type DraftDifference, type Truth } from './differences';
import type { Life } from './life';
import { copyEvents } from './reconcile-events';

const BATCH = 50;
const SLOW = { timeout: 120_000 };

export interface ReconciledDrafts {
  drafts: number;
  /** A person has decided otherwise in the new life: that stands. */
  superseded: number;
  /** Somebody changed it meanwhile, or has a duty to keep what the truth has erased. */
  passedOver: number;
}

/** @param standIns who stands here for a principal of the truth */
export async function reconcileDrafts(
  restored: Database,
  truth: Truth,
  life: Life,
  standIns: ReadonlyMap<string, string>,
): Promise<ReconciledDrafts> {
  const done = { drafts: 0, superseded: 0, passedOver: 0 };
  let batch: DraftDifference[] = [];
  const carryOut = async () => {
    const reconciled = await reconcileBatch(restored, truth, life, standIns, batch);
    done.drafts += reconciled;
    done.passedOver += batch.length - reconciled;
    batch = [];
  };
  for await (const difference of compareDrafts(restored, truth.db, life)) {
    if (difference.isSuperseded) done.superseded += 1;
    else if (batch.push(difference) === BATCH) await carryOut();
  }
  if (batch.length > 0) await carryOut();
  return done;
}

function reconcileBatch(
  restored: Database,
  { db: truth, isWhole }: Truth,
  { restoreId }: Life,
  standIns: ReadonlyMap<string, string>,
  differences: DraftDifference[],
): Promise<number> {
  return restored.$transaction(async (transaction) => {
    const tx = transaction as Database;
    const ids = await lock(tx, differences);
    const read = async (table: string, which: Prisma.Sql) =>
      withStandIns(await readRows(truth, table, which), standIns);
    const drafts = await read('drafts', among(ids, 'id'));
    const named = Prisma.sql`t.id IN (SELECT n.attachment_id FROM draft_attachments n WHERE n.draft_id = ANY (${ids}::uuid[]))`;
    await giveWay(tx, drafts);
    const here = await takeOut(tx, ids);
    await putIn(tx, drafts, here.versions, isWhole);
    await insertRows(tx, 'attachments', await read('attachments', named));
    for (const table of ['revisions', 'draft_attachments', 'verdicts', 'notes']) {
      await insertRows(tx, table, await read(table, among(ids, 'draft_id')));
    }
    await putBack(tx, here);
    await copyEvents(tx, await readRows(truth, 'audit_events', among(ids, 'subject_id')));
    await tell(tx, ids, restoreId);
    await eraseAgain(tx, ids, restoreId);
    return ids.length;
  }, SLOW);
}

const among = (ids: string[], column: string) => Prisma.sql`t.${Prisma.raw(column)} = ANY (${ids}::uuid[])`;

function withStandIns(rows: Rows, standIns: ReadonlyMap<string, string>): Rows {
  let replaced = rows;
  for (const [id, standIn] of standIns) replaced = replaced.replaceAll(`"${id}"`, `"${standIn}"`);
  return replaced;
}

/** Those that are still as they were looked at. */
async function lock(tx: Database, differences: DraftDifference[]): Promise<string[]> {
  const ids = differences.map(({ id }) => id);
  const rows = await tx.$queryRaw<{ id: string; version: number; held: boolean }[]>`
    SELECT d.id, d.version, ${IS_HELD} AS held FROM drafts d WHERE d.id = ANY (${ids}::uuid[]) ORDER BY d.id FOR UPDATE`;
  const there = new Map(rows.map((row) => [row.id, row]));
  const isFree = ({ id, was, is }: DraftDifference) =>
    there.get(id)?.version === is?.version && !(was.status === 'erased' && there.get(id)?.held);
  return differences.filter(isFree).map(({ id }) => id);
}

/** Who was told that something is lost may have handed it in again, under the same key: what it was first is what counts. */
async function giveWay(tx: Database, drafts: Rows): Promise<void> {
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
interface Here {
  /** By id, as JSON. */
  versions: string;
  verdicts: Rows;
  notes: Rows;
}

async function takeOut(tx: Database, ids: string[]): Promise<Here> {
  const [{ versions }] = await tx.$queryRaw<[{ versions: string }]>`
    SELECT coalesce(jsonb_object_agg(id, version), '{}')::text AS versions FROM drafts WHERE id = ANY (${ids}::uuid[])`;
  const verdicts = await readRows(tx, 'verdicts', among(ids, 'draft_id'));
  const notes = await readRows(tx, 'notes', among(ids, 'draft_id'));
  await tx.draft.deleteMany({ where: { id: { in: ids } } });
  return { versions, verdicts, notes };
}

/** A conversation that was open when the truth ended has an unknown outcome. A claim is nobody's any more; only where the truth
 *  may go on beyond what is known of it, the mail may have gone out. */
async function putIn(tx: Database, drafts: Rows, versions: string, isWhole: boolean): Promise<void> {
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
async function putBack(tx: Database, { verdicts, notes }: Here): Promise<void> {
  const isErased = Prisma.sql`EXISTS (SELECT 1 FROM drafts d WHERE d.id = r.draft_id AND d.status = 'erased')`;
  await tx.$executeRaw`
    INSERT INTO verdicts
    SELECT r.* FROM jsonb_array_elements(${verdicts}::jsonb) v, jsonb_populate_record(NULL::verdicts,
      v || jsonb_build_object('dismissed_at', coalesce((v->>'dismissed_at')::timestamptz, clock_timestamp()))) r
    WHERE NOT ${isErased} ON CONFLICT DO NOTHING`;
  await tx.$executeRaw`
    INSERT INTO notes SELECT r.* FROM jsonb_populate_recordset(NULL::notes, ${notes}::jsonb) r WHERE NOT ${isErased} ON CONFLICT DO NOTHING`;
}

/** Each has its event, and its process hears of it once the relay is released. */
async function tell(tx: Database, ids: string[], restoreId: string): Promise<void> {
  await tx.$executeRaw`
    WITH event AS (
      INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
      SELECT ${UUIDV7}, 'draft.reconciled', updated_at, ${SYSTEM.id}::uuid, 'draft', id, revision, ${restoreId}::uuid,
        jsonb_build_object('status', status)
      FROM drafts WHERE id = ANY (${ids}::uuid[])
    ), news AS (
      SELECT d.id, i.generation, d.version, d.status, jsonb_build_object('generation', i.generation, 'version', d.version,
        'status', d.status, 'revision', d.revision, 'expiresAt', to_char(d.expires_at AT TIME ZONE 'UTC', ${ISO_8601}),
        'dueAt', to_char(d.due_at AT TIME ZONE 'UTC', ${ISO_8601}), 'outcome', d.outcome) AS message
      FROM drafts d, instance i WHERE d.id = ANY (${ids}::uuid[]) AND d.needs_people AND i.id = 1
    ), ${WRITE_MESSAGES}
    SELECT 1`;
}

/** Who has been erased in the new life does not come back with the drafts of the old one. */
async function eraseAgain(tx: Database, ids: string[], restoreId: string): Promise<void> {
  const erased = await tx.$queryRaw<{ id: string }[]>`
    SELECT d.id FROM drafts d WHERE d.id = ANY (${ids}::uuid[]) AND d.status <> 'erased' AND EXISTS (
      SELECT 1 FROM erasures e WHERE e.status = 'certified' AND e.subject_hashes && d.recipient_hashes)`;
  if (erased.length > 0)
    await eraseDrafts(
      tx,
      erased.map(({ id }) => id),
      'erasure',
      { actor: SYSTEM, requestId: restoreId },
    );
}
