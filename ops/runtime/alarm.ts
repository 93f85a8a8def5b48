// A bell that is heard even if it rang while nobody was waiting.
import { setTimeout as delay } from 'node:timers/promises';

export interface Alarm {
  ring(): void;
  /** Until it rings, at most this long, or until the signal says that there is nothing left to wait for. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createAlarm(): Alarm {
  let rung = false;
  let waiting: AbortController | null = null;
  return {
    ring() {
      rung = true;
      waiting?.abort();
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted && ms > 0) {
        waiting = new AbortController();
        await delay(ms, undefined, { signal: AbortSignal.any([waiting.signal, signal]) }).catch(() => {});
        waiting = null;
      }
      rung = false;
    },
  };
}
