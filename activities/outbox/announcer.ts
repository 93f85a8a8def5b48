// What a command has committed is told at once, after its answer: from a bounded queue, and lost without harm, for the
// relay delivers what stays in the outbox and the lane looks by itself.
import type { Database } from '../../prisma/client';
import { MAIL_LANE } from '../../workflows/contracts/mail-delivery';
import type { Announcement } from '../commands/context';
import type { Message } from './message-delivery';

const MOST_QUEUED = 1_000;
const AT_ONCE = 4;
/** After a failure Temporal is left alone for a while. */
const PAUSE_MS = 1_000;
const WAKES_EACH_MS = 10;

/** What the lanes' workers listen to; the payload is the lane's name. */
export const LANE_CHANNEL = 'countersign_lane';

export interface Announcer {
  announce(announcement: Announcement): void;
  /** Resolves when everything that was announced has been told or given up. */
  drain(): Promise<void>;
}

export function createAnnouncer({
  db,
  deliver,
}: {
  db: Database;
  deliver(message: Message): Promise<void>;
}): Announcer {
  /** The newest message of each draft. */
  const queue = new Map<string, Message>();
  const active = new Set<Promise<void>>();
  let pausedUntil = 0;
  let waking: NodeJS.Timeout | null = null;
  let wakeAgain = false;

  function tell(message: Message): void {
    if (Date.now() < pausedUntil || (queue.size >= MOST_QUEUED && !queue.has(message.draftId))) return;
    queue.set(message.draftId, message);
    setImmediate(fill);
  }

  function fill(): void {
    for (const [draftId, message] of queue) {
      if (active.size >= AT_ONCE) return;
      queue.delete(draftId);
      const work = deliver(message)
        .catch(() => {
          pausedUntil = Date.now() + PAUSE_MS;
          queue.clear();
        })
        .then(() => {
          active.delete(work);
          fill();
        });
      active.add(work);
    }
  }

  /** At once, and then at most once each few milliseconds: a notification serialises commits. */
  function wakeLane(): void {
    if (waking) {
      wakeAgain = true;
      return;
    }
    waking = setTimeout(() => {
      waking = null;
      if (wakeAgain) wakeLane();
    }, WAKES_EACH_MS).unref();
    wakeAgain = false;
    const woken = db.$executeRaw`SELECT pg_notify(${LANE_CHANNEL}, ${MAIL_LANE})`
      .then(() => {})
      .catch(() => {})
      .then(() => {
        active.delete(woken);
      });
    active.add(woken);
  }

  return {
    announce({ message, mailDue }) {
      if (message) tell(message);
      if (mailDue) wakeLane();
    },
    async drain() {
      fill();
      while (active.size > 0) await Promise.all(active);
    },
  };
}
