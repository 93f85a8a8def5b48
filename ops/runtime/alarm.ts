// A bell that is heard even if it rang while nobody was waiting.

export interface Alarm {
  ring(): void;
  /** Until it rings, at most this long, or until the signal says that there is nothing left to wait for. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createAlarm(): Alarm {
  let rung = false;
  let wake = () => {};
  return {
    ring() {
      rung = true;
      wake();
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted && ms > 0) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(wake, ms);
          signal.addEventListener('abort', wake);
        });
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
      }
      rung = false;
    },
  };
}
