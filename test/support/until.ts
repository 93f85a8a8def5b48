// Tests wait for conditions, never for time.
import { setTimeout as delay } from 'node:timers/promises';

const ASKS_EACH_MS = 25;
const SELDOM_MS = 200;

/** Asks until the answer is neither false nor null nor undefined, and gives it; fails with `what` after `withinMs`. What takes
 *  long is asked less often: an answer costs the servers more than the wait. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  withinMs = 90_000,
): Promise<Exclude<T, false | null | undefined>> {
  const begun = Date.now();
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== null && answer !== undefined) {
      return answer as Exclude<T, false | null | undefined>;
    }
    const waitedMs = Date.now() - begun;
    if (waitedMs > withinMs) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await delay(Math.min(Math.max(waitedMs / 10, ASKS_EACH_MS), SELDOM_MS));
  }
}

/** Until the number has not changed for two seconds; fails where it still changes after `withinMs`. */
export async function untilStill(what: string, count: () => number, withinMs = 90_000): Promise<void> {
  let last = { count: count(), since: Date.now() };
  await until(
    what,
    () => {
      if (count() !== last.count) last = { count: count(), since: Date.now() };
      return Date.now() - last.since > 2_000;
    },
    withinMs,
  );
}
