// Audit events that the restored database has lost. They come in at its end, with positions of their own, and are sealed there.
import { type Database, Prisma } from '../../prisma/client';
import { insertRows, type Rows, readRows } from './copy-rows';
import type { Life } from './life';

const PAGE = 1_000;
/** Positions are drawn before they are committed: further back than this nobody was still at work. */
const IN_FLIGHT = 10_000n;

/** In the order in which they stood. @returns how many were missing */
export function copyEvents(tx: Pick<Database, '$executeRaw'>, events: Rows): Promise<number> {
  return tx.$executeRaw`
    INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
    SELECT e.id, e.type, e.at, e.actor_id, e.subject, e.subject_id, e.revision, e.request_id, e.data
    FROM jsonb_populate_recordset(NULL::audit_events, ${events}::jsonb) e ORDER BY e.position
    ON CONFLICT (id) DO NOTHING`;
}

/** Whatever is left, drafts' and others', with what operators wrote beside them. */
export async function copyAllEvents(restored: Database, truth: Database, { position }: Life): Promise<number> {
  let copied = 0;
  for (let after = position > IN_FLIGHT ? position - IN_FLIGHT : 0n; ; ) {
    const page = await truth.auditEvent.findMany({
      where: { position: { gt: after } },
      orderBy: { position: 'asc' },
      take: PAGE,
      select: { position: true },
    });
    const last = page.at(-1)?.position;
    if (last === undefined) return copied;
    const isInPage = Prisma.sql`t.position > ${after} AND t.position <= ${last}`;
    copied += await copyEvents(restored, await readRows(truth, 'audit_events', isInPage));
    const isBeside = Prisma.sql`t.id IN (SELECT t.id FROM audit_events t WHERE ${isInPage})`;
    await insertRows(restored, 'operator_notes', await readRows(truth, 'operator_notes', isBeside));
    after = last;
  }
}
