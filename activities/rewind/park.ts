// Drafts that may have been sent in the time that was undone: parked, so that nothing but a person, or the truth, has them
// sent. Their processes hear of it when the lanes are released.
import { type Database, Prisma, UUIDV7 } from '../../prisma/client';
import { SYSTEM } from '../commands/context';
import { REWOUND, type UNCONFIRMED } from '../commands/failure-codes';
import { IS_OPEN } from '../personal-data/erase-drafts';

const BATCH = 500;

/** Of `drafts d`: its conversation was open, or could be opened by whoever had claimed it. */
export const WAS_CLAIMED = Prisma.sql`(d.status = 'sending' OR (d.status = 'scheduled' AND d.claim_owner IS NOT NULL))`;

/** Of `drafts d`: its mail was due without another word of anybody. */
export const WAS_DUE = Prisma.sql`((d.status = 'scheduled' AND d.next_attempt_at <= clock_timestamp())
  OR (d.status = 'approved' AND NOT EXISTS (
    SELECT 1 FROM revisions r WHERE r.draft_id = d.id AND r.revision = d.revision AND r.send_at > clock_timestamp())))`;

/** Of `drafts d`: it leaves without another word of anybody, now or later, and was last changed before that moment. */
export const wouldLeave = (unchangedSince: Date) =>
  Prisma.sql`d.status IN ('scheduled', 'approved') AND d.updated_at < ${unchangedSince}`;

type Code = typeof REWOUND | typeof UNCONFIRMED;

/** @returns how many were parked just now */
export async function parkAll(db: Database, which: Prisma.Sql, code: Code = REWOUND): Promise<number> {
  for (let parked = 0; ; ) {
    const batch = await park(
      db,
      Prisma.sql`d.id IN (SELECT d.id FROM drafts d WHERE ${which} ORDER BY d.id LIMIT ${BATCH})`,
      code,
    );
    parked += batch;
    if (batch < BATCH) return parked;
  }
}

/** Of these, the ones that have not come to an end. */
export async function parkThese(db: Database, ids: string[]): Promise<number> {
  let parked = 0;
  for (let i = 0; i < ids.length; i += BATCH) {
    parked += await park(db, Prisma.sql`d.id = ANY (${ids.slice(i, i + BATCH)}::uuid[])`, REWOUND);
  }
  return parked;
}

const park = (db: Database, which: Prisma.Sql, code: Code): Promise<number> => db.$executeRaw`
  WITH parked AS (
    UPDATE drafts d SET status = 'failed', outcome = 'unknown', failure_code = ${code}, version = d.version + 1,
      updated_at = clock_timestamp(), next_attempt_at = NULL, claim_owner = NULL
    WHERE ${which} AND ${IS_OPEN}
    RETURNING d.id, d.revision, d.updated_at
  )
  INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, data)
  SELECT ${UUIDV7}, 'draft.parked', updated_at, ${SYSTEM.id}::uuid, 'draft', id, revision, jsonb_build_object('code', ${code}::text)
  FROM parked`;

export async function countMissing(db: Database, ids: string[]): Promise<number> {
  let missing = 0;
  for (let i = 0; i < ids.length; i += BATCH) {
    const some = ids.slice(i, i + BATCH);
    missing += some.length - (await db.draft.count({ where: { id: { in: some } } }));
  }
  return missing;
}
