// Sends the mails that were handed out, each on a connection of its own: few at first, more with every answer. A slow conversation
// holds up no other: one more is begun beside it.
import type { Delivered } from './delivery';
import { SLOW_MS } from './time-limits';

export const MOST_CONNECTIONS = 16;

export interface Senders {
  /** Mails handed out that no connection is free for yet. */
  readonly waiting: number;
  readonly idle: boolean;
  readonly sent: number;
  /** Whether a conversation has been open for long. */
  readonly slow: boolean;
  /** The first failure; from then on nothing new is begun. */
  readonly failure: unknown;
  give(ids: string[]): void;
  /** Begins nothing new, and resolves when what had begun has ended. */
  finish(): Promise<void>;
}

/** @param changed called whenever a mail has ended
 *  @param slowMs after how long a conversation is slow */
export function createSenders(
  deliver: (id: string) => Promise<Delivered>,
  changed: () => void,
  slowMs = SLOW_MS,
): Senders {
  const queue: string[] = [];
  const active = new Set<Promise<void>>();
  const slow = new Set<string>();
  let width = 1;
  let sent = 0;
  let failure: unknown = null;
  let finishing = false;

  async function one(id: string): Promise<void> {
    const becomesSlow = setTimeout(() => {
      slow.add(id);
      fill();
    }, slowMs);
    try {
      const delivered = await deliver(id);
      if (delivered === 'sent') sent += 1;
      if (delivered !== 'gone') width = Math.min(width + 1, MOST_CONNECTIONS);
    } catch (error) {
      failure ??= error;
    } finally {
      clearTimeout(becomesSlow);
      slow.delete(id);
    }
  }

  function fill(): void {
    const mayBegin = () => active.size < MOST_CONNECTIONS && active.size - slow.size < width;
    while (!finishing && failure === null && mayBegin()) {
      const id = queue.shift();
      if (id === undefined) return;
      const work = one(id).then(() => {
        active.delete(work);
        fill();
        changed();
      });
      active.add(work);
    }
  }

  return {
    get waiting() {
      return queue.length;
    },
    get idle() {
      return queue.length === 0 && active.size === 0;
    },
    get sent() {
      return sent;
    },
    get slow() {
      return slow.size > 0;
    },
    get failure() {
      return failure;
    },
    give(ids) {
      queue.push(...ids);
      fill();
    },
    async finish() {
      finishing = true;
      await Promise.all(active);
    },
  };
}
