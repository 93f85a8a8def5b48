// Lost drafts as the truth has them, a few in a transaction: rows, words, verdicts, files, and what happened to them.
import { type Database, ISO_8601, Prisma, UUIDV7 } from '../../prisma/client';
import { SYSTEM } from '../commands/context';
import { WRITE_MESSAGES } from '../outbox/outbox';
import { eraseDrafts, IS_HELD } from '../personal-data/erase-drafts';
import { among, insertRows, type Rows, readRows } from './copy-rows';
import { compareDrafts, type DraftDifference, type Truth } from './differences';
import { correctErased, giveWay, putBack, putIn, takeOut } from './draft-rows';
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
    const locked = await lock(tx, differences);
    const erased = idsOf(locked.filter(({ is }) => is?.status === 'erased'));
    const ids = idsOf(locked.filter(({ is }) => is?.status !== 'erased'));
    const read = async (table: string, which: Prisma.Sql) =>
      withStandIns(await readRows(truth, table, which), standIns);
    const drafts = await read('drafts', among(ids));
    const named = Prisma.sql`t.id IN (SELECT n.attachment_id FROM draft_attachments n WHERE n.draft_id = ANY (${ids}::uuid[]))`;
    await giveWay(tx, drafts);
    const here = await takeOut(tx, ids);
    await putIn(tx, drafts, here.versions, isWhole);
    await insertRows(tx, 'attachments', await read('attachments', named));
    for (const table of ['revisions', 'draft_attachments', 'verdicts', 'notes', 'crm_syncs']) {
      await insertRows(tx, table, await read(table, among(ids, 'draft_id')));
    }
    await putBack(tx, here);
    await correctErased(tx, await read('drafts', among(erased)), await read('verdicts', among(erased, 'draft_id')));
    const all = idsOf(locked);
    await copyEvents(tx, await readRows(truth, 'audit_events', among(all, 'subject_id')));
    await tell(tx, all, restoreId);
    await eraseAgain(tx, ids, restoreId);
    return all.length;
  }, SLOW);
}

const idsOf = (differences: DraftDifference[]) => differences.map(({ id }) => id);

function withStandIns(rows: Rows, standIns: ReadonlyMap<string, string>): Rows {
  let replaced = rows;
  for (const [id, standIn] of standIns) replaced = replaced.replaceAll(`"${id}"`, `"${standIn}"`);
  return replaced;
}

/** Those that are still as they were looked at. */
async function lock(tx: Database, differences: DraftDifference[]): Promise<DraftDifference[]> {
  const ids = idsOf(differences);
  const rows = await tx.$queryRaw<{ id: string; version: number; held: boolean }[]>`
    SELECT d.id, d.version, ${IS_HELD} AS held FROM drafts d WHERE d.id = ANY (${ids}::uuid[]) ORDER BY d.id FOR UPDATE`;
  const there = new Map(rows.map((row) => [row.id, row]));
  const isFree = ({ id, was, is }: DraftDifference) =>
    there.get(id)?.version === is?.version && !(was.status === 'erased' && there.get(id)?.held);
  return differences.filter(isFree);
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
