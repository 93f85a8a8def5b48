// Records refusals, so that whoever is refused again and again does not fill the audit trail, which nobody can empty.
import { uuidv7 } from 'uuidv7';
import { type Database, ISO_8601, UUIDV7 } from '../../prisma/client';
import type { AuditEntry } from './audit';
import type { CommandContext } from './context';
import { Refusal } from './refusal';

export interface RefusalEntry extends Omit<AuditEntry, 'id' | 'data'> {
  data: { code: string; route?: string | undefined; [more: string]: unknown };
}

/**
 * Records the first refusal of an actor, type, code and route in a minute as an audit event, and counts the others.
 * One round trip. The event of the count comes when the minute is over (`recordCounts`).
 */
export async function recordRefusal(
  db: Database,
  { actor, requestId }: CommandContext,
  { type, subject, subjectId, revision, data }: RefusalEntry,
): Promise<void> {
  await db.$executeRaw`
    WITH counted AS (
      INSERT INTO refusal_counts AS c (minute, actor_id, type, code, route, count)
      VALUES (date_trunc('minute', clock_timestamp()), ${actor.id}::uuid, ${type}, ${data.code}, ${data.route ?? ''}, 1)
      ON CONFLICT (minute, actor_id, type, code, route) DO UPDATE SET count = c.count + 1
      RETURNING count
    )
    INSERT INTO audit_events (id, type, at, actor_id, subject, subject_id, revision, request_id, data)
    SELECT ${uuidv7()}::uuid, ${type}, clock_timestamp(), ${actor.id}::uuid, ${subject}, ${subjectId ?? null}::uuid,
      ${revision ?? null}::int, ${requestId}::uuid, ${JSON.stringify(data)}::jsonb
    FROM counted WHERE count = 1`;
}

/** Records a refusal before the caller learns of it. */
export async function auditRefusals<T>(
  db: Database,
  context: CommandContext,
  about: Pick<AuditEntry, 'subject' | 'subjectId' | 'revision'>,
  act: () => T | Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (refusal) {
    if (refusal instanceof Refusal) {
      await recordRefusal(db, context, { ...about, type: `${about.subject}.refused`, data: { code: refusal.code } });
    }
    throw refusal;
  }
}

/** Records one event for each count of a minute that is over: how many refusals followed the first. Returns how many events. */
export const recordCounts = (db: Database): Promise<number> => db.$executeRaw`
  WITH over AS (
    DELETE FROM refusal_counts WHERE minute < date_trunc('minute', clock_timestamp()) RETURNING *
  )
  INSERT INTO audit_events (id, type, at, actor_id, subject, data)
  SELECT ${UUIDV7}, 'refusals.counted', clock_timestamp(), actor_id, 'access', jsonb_strip_nulls(jsonb_build_object(
    'refusal', type, 'code', code, 'route', nullif(route, ''), 'further', count - 1,
    'minute', to_char(minute AT TIME ZONE 'UTC', ${ISO_8601})))
  FROM over WHERE count > 1`;
