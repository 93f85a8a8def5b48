// Holds the time limits of the mail lane in one place, because each has to fit the others (docs/architecture.md, "The lane's
// protocol").

/** For one reply, in ms. */
export interface ReplyLimits {
  /** To a command, and until the server reads on in the middle of a message. */
  commandMs: number;
  /** After the whole message. */
  messageMs: number;
}

/** A server may scan a mail before it answers, and RFC 5321, 4.5.3.2.6, gives it ten minutes. Whoever waits less parks mails that
 *  arrive. */
export const REPLY_LIMITS: ReplyLimits = { commandMs: 120_000, messageMs: 600_000 };

/** An attempt that has had work ends after this time, so that its history stays small. */
const WORKS_MS = 60_000;
const MOST_CLAIMS = 500;
/** An attempt that has had none. */
export const IDLES_MS = 600_000;
/** A conversation that has been open for so long is slow. */
export const SLOW_MS = 5_000;
/** Beside a slow conversation. */
const MOST_CLAIMS_WHILE_SLOW = 5_000;

export interface Progress {
  claims: number;
  /** Since the attempt began. */
  elapsedMs: number;
  /** Since its first claim; 0 if there was none. */
  workedMs: number;
  /** Whether a slow conversation is open. */
  isSlow: boolean;
}

/**
 * Returns why an attempt should end now; null if it should go on. An attempt ends with its last conversation, and until then nothing
 * new begins. So beside a slow conversation it goes on working: one mail must not hold up all others for ten minutes.
 */
export function endOf({ claims, elapsedMs, workedMs, isSlow }: Progress): 'idle' | 'time' | 'claims' | null {
  if (claims === 0) return elapsedMs > IDLES_MS ? 'idle' : null;
  if (claims >= (isSlow ? MOST_CLAIMS_WHILE_SLOW : MOST_CLAIMS)) return 'claims';
  const isOver = isSlow ? workedMs > REPLY_LIMITS.messageMs : elapsedMs > WORKS_MS;
  return isOver ? 'time' : null;
}

const COMMANDS = ['MAIL FROM', 'RCPT TO', 'DATA'];
/** The database may be away while the server's answer waits to be recorded; nobody else knows it. */
export const RECORD_WITHIN_MS = 600_000;
/** How long an attempt takes at most if the server is as slow as it may be and then the database is away. */
export const LONGEST_ATTEMPT_MS =
  IDLES_MS +
  REPLY_LIMITS.messageMs +
  COMMANDS.length * REPLY_LIMITS.commandMs +
  REPLY_LIMITS.messageMs +
  RECORD_WITHIN_MS;
