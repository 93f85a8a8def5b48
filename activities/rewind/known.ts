// How far a database knows what happened.
import { type Database, ISO_8601 } from '../../prisma/client';
import { MAIL_LANE, type Watermark } from '../../workflows/contracts/lane';

export interface Known {
  /** ISO 8601: all that happened until then is there. */
  knownUntil: string;
  /** The lane's run whose claims were still to be archived. */
  journalRun: string | null;
  /** Of the Temporal store that had been told of all. */
  namespaceId: string | null;
  /** How far the lane had come; undefined in what an older build wrote down. */
  mark?: Watermark;
}

/** By its last audit event: no mail ends without one. */
export async function readKnown(db: Pick<Database, '$queryRaw'>): Promise<Known> {
  const [known] = await db.$queryRaw<[Known]>`
    SELECT to_char(coalesce((SELECT at FROM audit_events ORDER BY position DESC LIMIT 1), to_timestamp(0)) AT TIME ZONE 'UTC',
        ${ISO_8601}) AS "knownUntil",
      (SELECT journal_run FROM lanes WHERE name = ${MAIL_LANE}) AS "journalRun",
      (SELECT temporal_namespace_id FROM instance) AS "namespaceId",
      (SELECT json_build_object('generation', generation, 'claims', (SELECT claims FROM lanes WHERE name = ${MAIL_LANE}))
         FROM instance WHERE id = 1) AS mark`;
  return known;
}
