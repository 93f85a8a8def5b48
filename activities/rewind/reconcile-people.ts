// Promises to people that the restored database has forgotten: erasures, suppressions, legal holds; and who everybody is.
import type { Database } from '../../prisma/client';
import { LANES } from '../../workflows/contracts/services';
import { recordEvent } from '../commands/audit';
import { writeMessage } from '../outbox/outbox';
import { type ErasureRecord, readErasure, toState } from '../user-erasure/erasure-record';
import { among, insertRows, pagesOfIds, readRows } from './copy-rows';
import { contextOfRestore, type Life } from './life';

const PAGE = 500;

/**
 * Keys are not among what comes back, principals are: rows name them.
 * @returns for those whose name, or one that looks like it, another has got in the new life: who stands for them here
 */
export async function copyPrincipals(restored: Database, truth: Database): Promise<Map<string, string>> {
  const others = new Map<string, string>();
  for await (const ids of pagesOfIds(truth, 'principals', PAGE)) {
    await insertRows(restored, 'principals', await readRows(truth, 'principals', among(ids)));
    const there = await restored.principal.findMany({ where: { id: { in: ids } }, select: { id: true } });
    const known = new Set(there.map(({ id }) => id));
    const gone = await truth.principal.findMany({ where: { id: { in: ids.filter((id) => !known.has(id)) } } });
    for (const { id, name, look } of gone) {
      const isThatOne = { OR: [{ name }, ...(look ? [{ look }] : [])] };
      others.set(id, (await restored.principal.findFirstOrThrow({ where: isThatOne })).id);
    }
  }
  return others;
}

/** A release counts as much as the hold. */
export async function copyHolds(restored: Database, truth: Database): Promise<number> {
  let copied = 0;
  for await (const ids of pagesOfIds(truth, 'legal_holds', PAGE)) {
    copied += await restored.$executeRaw`
      INSERT INTO legal_holds
      SELECT * FROM jsonb_populate_recordset(NULL::legal_holds, ${await readRows(truth, 'legal_holds', among(ids))}::jsonb)
      ON CONFLICT (id) DO UPDATE SET released_at = EXCLUDED.released_at
      WHERE legal_holds.released_at IS NULL AND EXCLUDED.released_at IS NOT NULL`;
  }
  return copied;
}

/** One that was lifted in the time that is lost stays: nothing is sent for want of a word. */
export async function copySuppressions(restored: Database, truth: Database, { position }: Life): Promise<number> {
  let copied = 0;
  for await (const ids of pagesOfIds(truth, 'suppressions', PAGE)) {
    const hashes = await readRows(truth, 'suppressed_hashes', among(ids, 'suppression_id'));
    const rows = await readRows(truth, 'suppressions', among(ids));
    copied += await restored.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM lanes WHERE name = ANY (${[...LANES]}) ORDER BY name FOR UPDATE`;
      const added = await tx.$executeRaw`
        INSERT INTO suppressions
        SELECT s.* FROM jsonb_populate_recordset(NULL::suppressions, ${rows}::jsonb) s
        WHERE NOT EXISTS (SELECT 1 FROM audit_events e
            WHERE e.subject_id = s.id AND e.type = 'suppression.removed' AND e.position > ${position})
          AND NOT EXISTS (SELECT 1 FROM erasures e WHERE e.id = s.erasure_id AND e.status = 'cancelled')
        ON CONFLICT DO NOTHING`;
      await tx.$executeRaw`
        INSERT INTO suppressed_hashes
        SELECT h.* FROM jsonb_populate_recordset(NULL::suppressed_hashes, ${hashes}::jsonb) h
        WHERE EXISTS (SELECT 1 FROM suppressions s WHERE s.id = h.suppression_id) ON CONFLICT DO NOTHING`;
      return added;
    });
  }
  return copied;
}

export interface ErasureDifference {
  id: string;
  was: { status: string; version: number };
  is: { status: string; version: number } | null;
}

/** One that has been carried out again from the ledger is certified here, and lacks nothing but its certificate. */
export async function* compareErasures(restored: Database, truth: Database): AsyncIterable<ErasureDifference> {
  const look = (db: Database, ids: string[]) => db.$queryRaw<
    (ErasureDifference['was'] & { id: string; proven: boolean })[]
  >`
    SELECT id, status, version, certificate IS NOT NULL AS proven FROM erasures WHERE id = ANY (${ids}::uuid[]) ORDER BY id`;
  for await (const ids of pagesOfIds(truth, 'erasures', PAGE)) {
    const there = new Map((await look(restored, ids)).map((row) => [row.id, row]));
    for (const { id, status, version, proven } of await look(truth, ids)) {
      const is = there.get(id);
      const isAhead = is && (is.status === 'certified' || is.version >= version);
      if (is?.proven || (isAhead && !proven)) continue;
      yield { id, was: { status, version }, is: is ? { status: is.status, version: is.version } : null };
    }
  }
}

/** One that was under way goes through all stores again: they hold what the restored database does. */
export async function copyErasures(restored: Database, truth: Database, life: Life): Promise<number> {
  let copied = 0;
  for await (const { id, is } of compareErasures(restored, truth)) {
    const rows = await readRows(truth, 'erasures', among([id]));
    const steps = await readRows(truth, 'erasure_steps', among([id], 'erasure_id'));
    await restored.$transaction(async (transaction) => {
      const tx = transaction as Database;
      await tx.erasure.deleteMany({ where: { id } });
      await tx.$executeRaw`
        INSERT INTO erasures
        SELECT r.* FROM jsonb_array_elements(${rows}::jsonb) e, jsonb_populate_record(NULL::erasures, e || jsonb_build_object(
          'version', greatest((e->>'version')::int, ${is?.version ?? 0}) + 1,
          'status', CASE WHEN e->>'status' IN ('scanning', 'suspended') THEN 'erasing' ELSE e->>'status' END,
          'active_hash', CASE WHEN NOT EXISTS (
            SELECT 1 FROM erasures o WHERE o.active_hash = (e->>'active_hash')::bytea) THEN e->>'active_hash' END)) r`;
      await insertRows(tx, 'erasure_steps', steps);
      const record = (await readErasure(tx, id)) as ErasureRecord;
      if (record.status === 'cancelled') await tx.suppression.deleteMany({ where: { erasureId: id } });
      await recordEvent(tx, contextOfRestore(life.restoreId), {
        type: 'erasure.reconciled',
        subject: 'erasure',
        subjectId: id,
      });
      await writeMessage(tx, { process: 'userErasure', entityId: id, state: toState(record) });
    });
    copied += 1;
  }
  return copied;
}
