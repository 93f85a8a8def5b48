// What else has aged out by the inventory (prisma/data-inventory.ts), a few rows at a time.
import { type Database, Prisma } from '../../prisma/client';

const BATCH = 1_000;

const AGED = [
  Prisma.sql`sessions WHERE hash IN (
    SELECT s.hash FROM sessions s JOIN api_keys k ON k.id = s.key_id
    WHERE s.expires_at < clock_timestamp() OR k.ended_at IS NOT NULL LIMIT ${BATCH})`,
  Prisma.sql`outbox WHERE process = 'draftApproval' AND entity_id IN (
    SELECT o.entity_id FROM outbox o JOIN drafts d ON d.id = o.entity_id
    WHERE o.process = 'draftApproval' AND d.status = 'erased' LIMIT ${BATCH})`,
  Prisma.sql`cleanups WHERE id IN (
    SELECT id FROM cleanups WHERE finished_at < clock_timestamp() - interval '1 year' LIMIT ${BATCH})`,
  Prisma.sql`person_exports WHERE id IN (
    SELECT id FROM person_exports
    WHERE status NOT IN ('pending', 'ready') AND created_at < clock_timestamp() - interval '1 year' LIMIT ${BATCH})`,
];

export async function removeAged(db: Database): Promise<void> {
  for (const rows of AGED) {
    for (let removed = BATCH; removed === BATCH; ) removed = await db.$executeRaw`DELETE FROM ${rows}`;
  }
}
