// Says when an attempt at a lane ends: so that its history stays small, and no item waits for a slow one.

/** An attempt that has had work ends after this time. */
const WORKS_MS = 60_000;
const MOST_CLAIMS = 500;
/** An attempt that has had none. */
export const IDLES_MS = 600_000;
/** An item that has been under way for so long is slow. */
export const SLOW_MS = 5_000;
/** Beside a slow item. */
const MOST_CLAIMS_WHILE_SLOW = 5_000;
/** The database may be away while the service's answer waits to be recorded; nobody else knows it. */
export const RECORD_WITHIN_MS = 600_000;

export interface Progress {
  claims: number;
  /** Since the attempt began. */
  elapsedMs: number;
  /** Since its first claim; 0 if there was none. */
  workedMs: number;
  /** Whether a slow item is under way. */
  isSlow: boolean;
}

/**
 * Returns why an attempt should end now; null if it should go on. An attempt ends with its last item, and until then nothing
 * new begins. So beside a slow item it goes on working: one mail must not hold up all others for ten minutes.
 * @param slowestMs how long the service may take for one item
 */
export function endOf(
  { claims, elapsedMs, workedMs, isSlow }: Progress,
  slowestMs: number,
): 'idle' | 'time' | 'claims' | null {
  if (claims === 0) return elapsedMs > IDLES_MS ? 'idle' : null;
  if (claims >= (isSlow ? MOST_CLAIMS_WHILE_SLOW : MOST_CLAIMS)) return 'claims';
  const isOver = isSlow ? workedMs > slowestMs : elapsedMs > WORKS_MS;
  return isOver ? 'time' : null;
}
