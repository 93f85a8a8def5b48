// Holds the time limits of a conversation about mail in one place, because each has to fit the others (docs/architecture.md,
// "The lane's protocol").
import { IDLES_MS, RECORD_WITHIN_MS } from '../lane/time-limits';

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

const COMMANDS = ['MAIL FROM', 'RCPT TO', 'DATA'];
/** How long an attempt takes at most if the server is as slow as it may be and then the database is away. */
export const LONGEST_ATTEMPT_MS =
  IDLES_MS +
  REPLY_LIMITS.messageMs +
  COMMANDS.length * REPLY_LIMITS.commandMs +
  REPLY_LIMITS.messageMs +
  RECORD_WITHIN_MS;
