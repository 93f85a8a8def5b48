// When one mail that was refused for now is tried again, and when that is given up.

const MINUTE = 60;
const LONGEST_SECONDS = 60 * MINUTE;
/** With the breaks below a little over two days. */
const MOST_ATTEMPTS = 54;

/** Seconds until the next attempt: 1, 2, 4 … 60 minutes. Null: it was the last.
 *  @param attempts made so far, the last one among them */
export function retrySeconds(attempts: number): number | null {
  if (attempts >= MOST_ATTEMPTS) return null;
  return Math.min(MINUTE * 2 ** (attempts - 1), LONGEST_SECONDS);
}
