// Ends drafts as Temporal's histories know it: a withdrawal or rejection that the database lost still counts.
import type { Client } from '@temporalio/client';
import { type Database, UUIDV7 } from '../../prisma/client';
import type { DraftStatus } from '../../workflows/contracts/draft-approval';
import { SYSTEM } from '../commands/context';
import { IS_OPEN } from '../personal-data/erase-drafts';
import { type KnownState, readKnownStates } from './histories';
import type { Life } from './life';

/** Clocks differ, and histories know seconds only. Versions tell what the database knows already. */
const MARGIN_MS = 5 * 60_000;
/** Statuses that need nothing more than their name; drafts in others are parked. */
const ENDS: readonly DraftStatus[] = ['rejected', 'withdrawn', 'expired', 'sent'];

/** Idempotent. Returns how many drafts it changed. */
export async function endAsKnown(db: Database, temporal: Client, life: Life): Promise<number> {
  let ended = 0;
  const since = new Date(Date.parse(life.knownUntil) - MARGIN_MS);
  for await (const batch of readKnownStates(temporal, 'draftApproval', since)) {
    const ends = batch.filter(
      ({ generation, status }) => generation < life.generation && ENDS.includes(status as DraftStatus),
    );
    if (ends.length > 0) ended += await end(db, ends, life);
  }
  return ended;
}

const end = (db: Database, ends: KnownState[], { restoreId }: Life): Promise<number> => db.$executeRaw`
  WITH known AS (
    SELECT * FROM jsonb_to_recordset(${JSON.stringify(ends)}::jsonb) AS k (id uuid, version int, status text, at timestamptz)
  ), ended AS (
    UPDATE drafts d SET status = k.status, version = greatest(d.version, k.version) + 1, updated_at = clock_timestamp(),
      outcome = CASE k.status WHEN 'sent' THEN 'delivered' END, sent_at = CASE k.status WHEN 'sent' THEN k.at END,
      failure_code = NULL, next_attempt_at = NULL, claim_owner = NULL
    FROM known k WHERE d.id = k.id AND d.version < k.version AND ${IS_OPEN}
    RETURNING d.id, d.revision, d.updated_at, d.status
  )
  INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
  SELECT ${UUIDV7}, 'draft.reconciled', updated_at, ${SYSTEM.id}::uuid, 'draft', id, revision, ${restoreId}::uuid,
    jsonb_build_object('status', status)
  FROM ended`;
