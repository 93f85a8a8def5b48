// The outbox's statements: at most the newest message of each draft, with the time from which a relay may take it.
import { type Database, NOT_SYNCED, Prisma } from '../../prisma/client';
import { type Message, PROCESS } from './message-delivery';

/** A process that is to wait for people has nothing to do yet. A program often decides right after: one message does then. */
const SETTLES_SECONDS = 0.2;

/** A common table expression `told`, which writes the messages of `news (id, generation, version, status, message)`. */
export const WRITE_MESSAGES = Prisma.sql`told AS (
    INSERT INTO outbox (process, entity_id, generation, version, message, next_try)
    SELECT ${PROCESS}, id, generation, version, message,
      clock_timestamp() + make_interval(secs => CASE status WHEN 'pending_review' THEN ${SETTLES_SECONDS}::float8 ELSE 0 END)
    FROM news
    ON CONFLICT (process, entity_id) DO UPDATE SET generation = EXCLUDED.generation, version = EXCLUDED.version,
      message = EXCLUDED.message, next_try = EXCLUDED.next_try, attempts = 0, created_at = EXCLUDED.created_at
    WHERE (outbox.generation, outbox.version) < (EXCLUDED.generation, EXCLUDED.version)
  )`;

export interface Taken {
  messages: Message[];
  /** Where nothing was due: when the next is; null where there is none. */
  nextInMs: number | null;
}

/** Takes messages for a while, each time for longer; nobody may while the relay is held. */
export async function takeMessages(db: Database, limit: number): Promise<Taken> {
  const [taken] = await db.$queryRaw<Taken[]>`
    WITH l AS MATERIALIZED (SELECT 1 FROM lanes WHERE name = 'relay' AND NOT held), due AS (
      SELECT process, entity_id FROM outbox
      WHERE process = ${PROCESS} AND next_try <= clock_timestamp() AND EXISTS (SELECT 1 FROM l)
      ORDER BY next_try LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ), taken AS (
      UPDATE outbox o SET attempts = attempts + 1,
        next_try = clock_timestamp() + make_interval(secs => least(5 * 2 ^ least(attempts, 6), 300))
      FROM due WHERE o.process = due.process AND o.entity_id = due.entity_id
      RETURNING o.entity_id, o.message
    )
    SELECT ${NOT_SYNCED} AS "commits", coalesce((SELECT json_agg(json_build_object('draftId', entity_id, 'state', message)) FROM taken), '[]') AS messages,
      CASE WHEN NOT EXISTS (SELECT 1 FROM due) AND EXISTS (SELECT 1 FROM l) THEN (
        SELECT extract(epoch FROM min(next_try) - clock_timestamp())::float8 * 1000 FROM outbox) END AS "nextInMs"`;
  return taken ?? { messages: [], nextInMs: null };
}

/** Those that could not be told, for no fault of their own. */
export async function giveBack(db: Database, draftIds: string[]): Promise<void> {
  await db.$executeRaw`
    UPDATE outbox SET next_try = clock_timestamp(), attempts = greatest(attempts - 1, 0)
    WHERE process = ${PROCESS} AND entity_id = ANY (${draftIds}::uuid[])`;
}

/** A newer message of the same draft stays. */
export async function forgetMessages(db: Database, messages: readonly Message[]): Promise<void> {
  const told = messages.map(({ draftId, state: { generation, version } }) => ({ id: draftId, generation, version }));
  await db.$executeRaw`
    DELETE FROM outbox o USING jsonb_to_recordset(${JSON.stringify(told)}::jsonb) AS d (id uuid, generation int, version int)
    WHERE o.process = ${PROCESS} AND o.entity_id = d.id AND (o.generation, o.version) <= (d.generation, d.version)
      AND ${NOT_SYNCED} IS NOT NULL`;
}
