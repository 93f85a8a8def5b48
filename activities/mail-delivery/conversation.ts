// One SMTP connection, driven by hand: a pool would send a mail again by itself.

import { Readable } from 'node:stream';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { ServiceTrouble } from '../lane/service-trouble';
import { needsUtf8 } from './mail-address';
import { REPLY_LIMITS, type ReplyLimits } from './time-limits';

/** What a server said, or that it said nothing: codes only, for an SMTP reply may quote an address. */
export type Reply =
  | { kind: 'accepted' }
  /** The recipient or the message was refused, for good or for now. */
  | { kind: 'refused'; code: string; permanent: boolean }
  /** The message had begun and no final reply came: it may have arrived. */
  | { kind: 'unknown' }
  /** The service is at fault, and not a byte of the message went out. `mayBeTheMail`: it broke off at this recipient. */
  | { kind: 'trouble'; code: string; mayBeTheMail: boolean };

interface SmtpFailure extends Error {
  code?: string;
  command?: string;
  responseCode?: number;
  rejectedErrors?: SmtpFailure[];
}

const TIMEOUTS = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  dnsTimeout: 10_000,
  socketCloseTimeout: 0,
};

type Done = (error?: Error | null) => void;

export class Conversation {
  /** Mails that went over it. */
  used = 0;
  readonly #connection: SMTPConnection;
  #usable = true;
  #offersUtf8 = false;
  #fail: Done = () => {};

  private constructor(
    connection: SMTPConnection,
    private readonly limits: ReplyLimits,
  ) {
    this.#connection = connection;
    const ended = (error?: Error) => {
      this.#usable = false;
      this.#fail(error ?? new Error('closed'));
    };
    connection.on('error', ended);
    connection.on('end', () => ended());
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** Connects and logs in. Throws ServiceTrouble, or the reason of the end.
   *  @param url `smtp://user:password@host:port`, with nodemailer's options as parameters: its `socketTimeout` replaces both limits
   *  @param ending aborted when nobody waits for it any more */
  static async open(
    url: string,
    { limits = REPLY_LIMITS, ending }: { limits?: ReplyLimits; ending?: AbortSignal | undefined } = {},
  ): Promise<Conversation> {
    const { auth, ...options } = parseConnectionUrl(url);
    const given = Number(options.socketTimeout) || 0;
    const { commandMs, messageMs } = given > 0 ? { commandMs: given, messageMs: given } : limits;
    const connection = new SMTPConnection({ ...TIMEOUTS, ...options, socketTimeout: commandMs });
    const conversation = new Conversation(connection, { commandMs, messageMs });
    const giveUp = () => conversation.#fail(new Error('closed'));
    ending?.addEventListener('abort', giveUp, { once: true });
    try {
      ending?.throwIfAborted();
      await conversation.#run((done) => connection.connect(done));
      conversation.#offersUtf8 = /^250[ -]SMTPUTF8\b/im.test(connection.lastServerResponse || '');
      if (auth) await conversation.#run((done) => connection.login(auth, done));
      return conversation;
    } catch (error) {
      conversation.close();
      ending?.throwIfAborted();
      throw new ServiceTrouble(codeOf(error as SmtpFailure));
    } finally {
      ending?.removeEventListener('abort', giveUp);
    }
  }

  /** @param envelope addresses as `toMailAddress` writes them
   *  @param message is not read before the server is ready for it */
  async send(envelope: { from: string; to: string }, message: AsyncIterable<Buffer>): Promise<Reply> {
    if (!this.#offersUtf8) {
      if (needsUtf8(envelope.from)) return { kind: 'trouble', code: 'no_smtputf8', mayBeTheMail: false };
      if (needsUtf8(envelope.to)) return { kind: 'refused', code: 'needs_smtputf8', permanent: true };
    }
    this.used++;
    let begun = false;
    const waitForAnswer = () => this.#waitAtMost(this.limits.messageMs);
    async function* read() {
      begun = true;
      yield* message;
      waitForAnswer();
    }
    const stream = Readable.from(read(), { objectMode: false });
    const given: { from: string; to: string[]; rcptQueue?: string[] } = { from: envelope.from, to: [envelope.to] };
    try {
      await this.#run((done) => this.#connection.send(given, stream, done));
      return { kind: 'accepted' };
    } catch (error) {
      // nodemailer takes from it the recipients that it has named to the server.
      const isNamed = given.rcptQueue?.length === 0;
      const reply = judge(error as SmtpFailure, { begun, isNamed });
      if (reply.kind !== 'refused' || !(await this.#reset())) this.close();
      return reply;
    }
  }

  close(): void {
    this.#usable = false;
    this.#connection.close();
  }

  async #reset(): Promise<boolean> {
    if (!this.#usable) return false;
    return this.#run((done) => this.#connection.reset(done)).then(
      () => true,
      () => false,
    );
  }

  /** @param ms of silence, after which the connection counts as lost */
  #waitAtMost(ms: number): void {
    const { _socket: socket } = this.#connection;
    if (socket) socket.setTimeout(ms);
  }

  /** One step, ended by its own callback or by the end of the connection. */
  #run(step: (done: Done) => void): Promise<void> {
    this.#waitAtMost(this.limits.commandMs);
    return new Promise((resolve, reject) => {
      this.#fail = (error) => (error ? reject(error) : resolve());
      step(this.#fail);
    });
  }
}

function judge(failure: SmtpFailure, { begun, isNamed }: { begun: boolean; isNamed: boolean }): Reply {
  const reply = failure.rejectedErrors?.[0] ?? failure;
  const code = isRefusal(reply.responseCode) ? reply.responseCode : null;
  // Only the server's own reply to DATA is an answer: a lost connection names other commands (docs/architecture.md).
  if (begun) return code && reply.command === 'DATA' ? refusal(code) : { kind: 'unknown' };
  if (code && code !== 421 && (reply.command === 'RCPT TO' || reply.command === 'DATA')) return refusal(code);
  // Found by nodemailer, which did not ask the server.
  if (failure.code === 'EENVELOPE' && failure.command === 'API')
    return { kind: 'refused', code: 'bad_address', permanent: true };
  return { kind: 'trouble', code: codeOf(reply), mayBeTheMail: isNamed && reply.command !== 'MAIL FROM' };
}

/** Anything else is no SMTP: whatever answered, it is not about this mail. */
const isRefusal = (code: number | undefined): code is number => code !== undefined && code >= 400 && code < 600;
const refusal = (code: number): Reply => ({ kind: 'refused', code: `smtp_${code}`, permanent: code >= 500 });

function codeOf({ responseCode, code }: SmtpFailure): string {
  if (responseCode) return `smtp_${responseCode}`;
  return typeof code === 'string' && /^E?[A-Z]+$/.test(code) ? code : 'closed';
}
