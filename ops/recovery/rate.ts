// How fast something goes, over the last seconds.

const WINDOW_MS = 15_000;

export interface Rate {
  add(done: number, now: number): void;
  /** Null while nothing can be said. */
  perSecond(): number | null;
}

export function createRate(): Rate {
  let samples: { done: number; at: number }[] = [];
  return {
    add(done, at) {
      // It began anew.
      if (done < (samples.at(-1)?.done ?? 0)) samples = [];
      samples.push({ done, at });
      while (samples.length > 2 && at - (samples[1]?.at ?? at) > WINDOW_MS) samples.shift();
    },
    perSecond() {
      const [first, last] = [samples[0], samples.at(-1)];
      if (!first || !last || last.at - first.at < 1_000 || last.done <= first.done) return null;
      return ((last.done - first.done) * 1000) / (last.at - first.at);
    },
  };
}
