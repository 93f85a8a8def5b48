// The outbox's statements: at most the newest message of each process, with the time from which a relay may take it.
import { currentTraceparent } from '../../ops/runtime/trace-context';
import { type Database, NOT_SYNCED, Prisma } from '../../prisma/client';
import type { DraftStatus } from '../../workflows/contracts/draft-approval';
import type { Message, ProcessName } from './message-delivery';

export const DRAFTS: ProcessName = 'draftApproval';

/** A process that is to wait for people has nothing to do yet. A program often decides right after: one message does then. */
const SETTLES_MS = 200;

/** The process that released a mail watches it so long, and mostly sees it leave (activities/delivery-watch.ts). */
export const WATCHED_MS = 1_000;

/** Whether a relay has to hear of its message, or finds it in good time by itself. */
export const isUrgent = ({ needsPeople, status }: { needsPeople: boolean; status: DraftStatus }) =>
  needsPeople && status !== 'pending_review';

/** A common table expression `told`, which writes the messages of drafts `news (id, generation, version, status, message)`.
 *  @param traceparent of the request that they come from; null where they come from none */
export const writeMessages = (traceparent: string | null) => Prisma.sql`told AS (
    INSERT INTO outbox (process, entity_id, generation, version, message, traceparent, next_try)
    SELECT ${DRAFTS}, id, generation, version, message, ${traceparent}::text,
      CASE status
        WHEN 'pending_review' THEN clock_timestamp() + ${`${SETTLES_MS} ms`}::interval
        WHEN 'sent' THEN greatest(clock_timestamp(), (message->>'dueAt')::timestamptz + ${`${WATCHED_MS} ms`}::interval)
        ELSE clock_timestamp()
      END
    FROM news
    ON CONFLICT (process, entity_id) DO UPDATE SET generation = EXCLUDED.generation, version = EXCLUDED.version,
      message = EXCLUDED.message, traceparent = EXCLUDED.traceparent, next_try = EXCLUDED.next_try, attempts = 0,
      created_at = EXCLUDED.created_at
    WHERE (outbox.generation, outbox.version) < (EXCLUDED.generation, EXCLUDED.version)
    RETURNING next_try
  )`;
export const WRITE_MESSAGES = writeMessages(null);

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
      WHERE next_try <= clock_timestamp() AND EXISTS (SELECT 1 FROM l)
      ORDER BY next_try LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ), taken AS (
      UPDATE outbox o SET attempts = attempts + 1,
        next_try = clock_timestamp() + make_interval(secs => least(5 * 2 ^ least(attempts, 6), 300))
      FROM due WHERE o.process = due.process AND o.entity_id = due.entity_id
      RETURNING o.process, o.entity_id, o.message, o.traceparent
    )
    SELECT ${NOT_SYNCED} AS "commits", coalesce((SELECT json_agg(json_build_object('process', process, 'entityId', entity_id, 'state', message, 'traceparent', traceparent)) FROM taken), '[]') AS messages,
      CASE WHEN NOT EXISTS (SELECT 1 FROM due) AND EXISTS (SELECT 1 FROM l) THEN (
        SELECT extract(epoch FROM min(next_try) - clock_timestamp())::float8 * 1000 FROM outbox) END AS "nextInMs"`;
  return taken ?? { messages: [], nextInMs: null };
}

/** Those that could not be told, for no fault of their own. */
export async function giveBack(db: Database, { process, entityId }: Message): Promise<void> {
  await db.$executeRaw`
    UPDATE outbox SET next_try = clock_timestamp(), attempts = greatest(attempts - 1, 0)
    WHERE process = ${process} AND entity_id = ${entityId}::uuid`;
}

/** A newer message of the same process stays. */
export async function forgetMessages(db: Database, messages: readonly Message[]): Promise<void> {
  const told = messages.map(({ state: { generation, version }, ...entity }) => ({ ...entity, generation, version }));
  await db.$executeRaw`
    DELETE FROM outbox o USING jsonb_to_recordset(${JSON.stringify(told)}::jsonb) AS d (process text, "entityId" uuid, generation int, version int)
    WHERE o.process = d.process AND o.entity_id = d."entityId" AND (o.generation, o.version) <= (d.generation, d.version)
      AND ${NOT_SYNCED} IS NOT NULL`;
}

/** One message of any process, in the transaction that changed it. */
export async function writeMessage(db: Database, { process, entityId, state }: Message): Promise<void> {
  await db.$executeRaw`
    INSERT INTO outbox (process, entity_id, generation, version, message, traceparent, next_try)
    VALUES (${process}, ${entityId}::uuid, ${state.generation}, ${state.version}, ${JSON.stringify(state)}::jsonb, ${currentTraceparent()},
      clock_timestamp())
    ON CONFLICT (process, entity_id) DO UPDATE SET generation = EXCLUDED.generation, version = EXCLUDED.version,
      message = EXCLUDED.message, traceparent = EXCLUDED.traceparent, next_try = EXCLUDED.next_try, attempts = 0,
      created_at = EXCLUDED.created_at
    WHERE (outbox.generation, outbox.version) < (EXCLUDED.generation, EXCLUDED.version)`;
}
