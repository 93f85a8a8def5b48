// Carries out the items that were handed out, several at once: few at first, more with every answer. A slow one holds up no
// other: one more is begun beside it.
import { SLOW_MS } from './time-limits';

/** What became of a claimed item; `gone`: it was withdrawn or suppressed meanwhile, or the lane has another owner. */
export type Carried = 'sent' | 'answered' | 'gone';

export interface Senders {
  /** Items handed out that wait for their turn. */
  readonly waiting: number;
  readonly idle: boolean;
  readonly sent: number;
  /** Whether an item has been under way for long. */
  readonly slow: boolean;
  /** The first failure; from then on nothing new is begun. */
  readonly failure: unknown;
  give(ids: string[]): void;
  /** Begins nothing new, and resolves when what had begun has ended. */
  finish(): Promise<void>;
}

/** @param mostAtOnce how many items may be under way at once
 *  @param changed called whenever an item has ended
 *  @param slowMs after how long an item is slow */
export function createSenders(
  carryOut: (id: string) => Promise<Carried>,
  mostAtOnce: number,
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
      const carried = await carryOut(id);
      if (carried === 'sent') sent += 1;
      if (carried !== 'gone') width = Math.min(width + 1, mostAtOnce);
    } catch (error) {
      failure ??= error;
    } finally {
      clearTimeout(becomesSlow);
      slow.delete(id);
    }
  }

  function fill(): void {
    const mayBegin = () => active.size < mostAtOnce && active.size - slow.size < width;
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
