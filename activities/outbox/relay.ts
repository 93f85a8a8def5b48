// Delivers what stayed in the outbox: its process was not told at once, because Temporal was away or a process ended.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from '../../ops/runtime/logging';
import type { Database } from '../../prisma/client';
import { type Message, PROCESS } from './message-delivery';

const BATCH = 50;
const AT_ONCE = 8;
/** At most a batch in this time: a backlog of hours must not drown the processes that run. */
const BATCH_EACH_MS = 500;
const LOOKS_EACH_MS = 1_000;
const PROBES_WITHIN_MS = 2_000;

export interface RelayDependencies {
  db: Database;
  temporal: Client;
  deliver(message: Message): Promise<void>;
  logger: Logger;
}

/** Runs until `stopping`; many may run at once. */
export async function runRelay({ db, temporal, deliver, logger }: RelayDependencies, stopping: AbortSignal) {
  const pause = (ms: number) => delay(ms, undefined, { signal: stopping }).catch(() => {});
  while (!stopping.aborted) {
    try {
      // While Temporal is away no message is touched, so all are due when it is back.
      await temporal.connection.withDeadline(Date.now() + PROBES_WITHIN_MS, () =>
        temporal.connection.workflowService.getSystemInfo({}),
      );
      const messages = await takeDue(db);
      await deliverAll(messages, deliver, logger);
      await pause(messages.length === BATCH ? BATCH_EACH_MS : LOOKS_EACH_MS);
    } catch (err) {
      logger.debug({ err }, 'The relay waits for Temporal or the database');
      await pause(LOOKS_EACH_MS);
    }
  }
}

/** Takes messages for a while, each time for longer; nobody may while the relay is held. */
function takeDue(db: Database): Promise<Message[]> {
  return db.$queryRaw<Message[]>`
    WITH due AS (
      SELECT process, entity_id FROM outbox
      WHERE process = ${PROCESS} AND next_try <= clock_timestamp()
        AND EXISTS (SELECT 1 FROM lanes WHERE name = 'relay' AND NOT held)
      ORDER BY next_try LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox o SET attempts = attempts + 1,
      next_try = clock_timestamp() + make_interval(secs => least(5 * 2 ^ least(attempts, 6), 300))
    FROM due WHERE o.process = due.process AND o.entity_id = due.entity_id
    RETURNING o.entity_id AS "draftId", o.message AS state`;
}

async function deliverAll(messages: Message[], deliver: RelayDependencies['deliver'], logger: Logger): Promise<void> {
  const left = [...messages];
  const deliverNext = async () => {
    for (let message = left.shift(); message; message = left.shift()) {
      const { draftId } = message;
      await deliver(message).catch((err) =>
        logger.warn({ err, draftId }, 'A message could not be delivered; it stays'),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, deliverNext));
}
