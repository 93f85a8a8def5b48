// Delivers the messages of the outbox to their processes, a few at a time, and keeps those that can't be delivered now.
import type { Client } from '@temporalio/client';
import type { Alarm } from '../../ops/runtime/alarm';
import { noteFault } from '../../ops/runtime/faults';
import { joined } from '../../ops/runtime/joined';
import type { Logger } from '../../ops/runtime/logging';
import type { Telemetry } from '../../ops/runtime/telemetry';
import type { Database } from '../../prisma/client';
import { deliverMessage, type Message } from './message-delivery';
import { forgetMessages, giveBack, takeMessages } from './outbox';

/** What bounds the rate: a backlog of hours must not drown the processes that run. */
const AT_ONCE = 8;
const LOOKS_EACH_MS = 1_000;
const SHORTEST_WAIT_MS = 10;
const PROBES_WITHIN_MS = 2_000;
const FORGETS_EACH_MS = 50;
/** Of gRPC: the deadline has passed, the server is away. */
const AWAY = [4, 14];

export interface RelayDependencies {
  db: Database;
  temporal: Client;
  /** Rings when a message may be there. */
  alarm: Alarm;
  logger: Logger;
  telemetry: Pick<Telemetry, 'trace'>;
}

/** Runs until `stopping`, and then until what it began is told; many may run at once. */
export async function runRelay({ db, temporal, alarm, logger, telemetry }: RelayDependencies, stopping: AbortSignal) {
  const active = new Set<Promise<void>>();
  let isAway = false;
  let mayBeMore = false;
  const forget = joined(async (messages: readonly Message[]) => {
    await forgetMessages(db, messages);
    return messages.map(() => null);
  }, FORGETS_EACH_MS);

  while (!stopping.aborted) {
    const wait = await look().catch((err) => {
      logger.debug({ err }, 'The relay waits for Temporal or the database');
      return LOOKS_EACH_MS;
    });
    await alarm.wait(wait, stopping);
  }
  await Promise.all(active);

  /** @returns how long there is nothing more to do */
  async function look(): Promise<number> {
    // While Temporal is away no message is touched, so all are due when it is back.
    if (isAway) await probe(temporal);
    isAway = false;
    const limit = AT_ONCE - active.size;
    const { messages, nextInMs } = limit > 0 ? await takeMessages(db, limit) : { messages: [], nextInMs: null };
    for (const message of messages) begin(message);
    mayBeMore = messages.length === limit;
    return Math.min(Math.max(nextInMs ?? LOOKS_EACH_MS, SHORTEST_WAIT_MS), LOOKS_EACH_MS);
  }

  function begin(message: Message): void {
    const work = tell(message).then(() => {
      active.delete(work);
      if (mayBeMore && active.size <= AT_ONCE / 2) alarm.ring();
    });
    active.add(work);
  }

  async function tell(message: Message): Promise<void> {
    const { process, entityId, traceparent = null } = message;
    try {
      const segment = { name: `message ${process}`, op: 'temporal.message' } as const;
      await telemetry.trace(traceparent, segment, () => deliverMessage(temporal, message));
      // One that is not forgotten is only told again.
      forget(message).catch(() => {});
    } catch (err) {
      logger.warn({ err, process, entityId }, 'A message could not be delivered; it stays');
      noteFault({ name: `message ${process}`, error: err });
      if (!AWAY.includes(codeOf(err))) return;
      isAway = true;
      await giveBack(db, message).catch(() => {});
    }
  }
}

function probe({ connection }: Client): Promise<unknown> {
  return connection.withDeadline(Date.now() + PROBES_WITHIN_MS, () => connection.workflowService.getSystemInfo({}));
}

const codeOf = (error: unknown) => (error as { cause?: { code?: number } }).cause?.code ?? 0;
