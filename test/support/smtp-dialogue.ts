// One SMTP conversation of the test mail server.
import type { Socket } from 'node:net';

/** How the connection ends without an answer: closed, reset, or left open in silence. */
export type Silence = 'fin' | 'rst' | 'silence';
/** An answer that is no SMTP. */
export type Garbage = 'garbage';
export interface Reply {
  code: number;
  text?: string;
}
export type Answer = Reply | Silence | Garbage;

/** What is answered at each step; a step that is left out goes well. */
export interface Behaviour {
  greeting?: Answer;
  /** What it offers beside 8BITMIME: SMTPUTF8 unless this says otherwise. */
  extensions?: string[];
  mail?: Answer;
  rcpt?: Answer;
  data?: Answer;
  /** After the final dot: the message counts as accepted if this is a 2xx, and as stored if the connection just ends. */
  final?: Answer;
  /** The connection ends in the middle of the message; `full`: nothing more is read. */
  midway?: Silence | 'full';
  /** How long the answer after the final dot takes, in ms. */
  delay?: number;
  /** That answer waits for this. */
  waitsFor?: Promise<unknown>;
}

/** Where the mail goes, and what is to go wrong. */
export interface Mailroom {
  /** Of messages whose stream has begun. */
  begun: string[];
  behaviourFor(recipient: string | null): Behaviour;
  store(recipient: string, sender: string, message: Buffer): void;
}

const GARBAGE = Buffer.from('HTTP/1.1 400 \0\xff\r\n2x0 \x1b[31m\r\n\r\n', 'latin1');
const END_OF_MESSAGE = Buffer.from('\r\n.\r\n');

export class SmtpDialogue {
  private input: Buffer = Buffer.alloc(0);
  private sender = '';
  private recipients: string[] = [];
  private readingMessage = false;
  /** Whether this mail may have addresses beyond ASCII. */
  private isUtf8 = false;

  constructor(
    private readonly server: Mailroom,
    private readonly socket: Socket,
  ) {}

  begin(): void {
    const { greeting } = this.server.behaviourFor(null);
    if (!this.answer(greeting, 220, 'test.example ESMTP')) return;
    if (typeof greeting === 'object' && greeting.code >= 400) return void this.socket.end();
    this.socket.on('data', (chunk) => this.receive(chunk));
  }

  private receive(chunk: Buffer): void {
    this.input = Buffer.concat([this.input, chunk]);
    for (;;) {
      if (this.socket.destroyed || this.socket.writableEnded) return;
      if (this.readingMessage) {
        if (!this.readMessage()) return;
        continue;
      }
      const end = this.input.indexOf('\r\n');
      if (end < 0) return;
      const line = this.input.subarray(0, end).toString();
      this.input = this.input.subarray(end + 2);
      this.obey(line);
    }
  }

  private obey(line: string): void {
    const verb = line.slice(0, 4).toUpperCase();
    const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
    if (verb === 'EHLO' || verb === 'HELO') {
      const { extensions = ['SMTPUTF8'] } = this.server.behaviourFor(null);
      const lines = ['test.example', ...extensions, '8BITMIME'];
      for (const [i, line] of lines.entries()) this.socket.write(`250${lines[i + 1] ? '-' : ' '}${line}\r\n`);
    } else if (!this.isUtf8 && /[^\p{ASCII}]/u.test(line) && !/ SMTPUTF8$/.test(line)) {
      this.socket.write('553 5.6.7 this address needs SMTPUTF8\r\n');
    } else if (verb === 'MAIL') {
      [this.sender, this.recipients, this.isUtf8] = [address, [], / SMTPUTF8$/.test(line)];
      this.answer(this.server.behaviourFor(null).mail, 250, 'sender ok');
    } else if (verb === 'RCPT') {
      const refused = this.server.behaviourFor(address).rcpt;
      if (this.answer(refused, 250, 'recipient ok') && (typeof refused !== 'object' || refused.code < 400)) {
        this.recipients.push(address);
      }
    } else if (verb === 'DATA') {
      this.beginMessage();
    } else if (verb === 'QUIT') {
      this.socket.end('221 bye\r\n');
    } else if (verb === 'RSET' || verb === 'NOOP') {
      this.recipients = [];
      this.socket.write('250 ok\r\n');
    } else {
      this.socket.write('502 not implemented\r\n');
    }
  }

  private beginMessage(): void {
    const [recipient = null] = this.recipients;
    if (recipient === null) return void this.socket.write('503 no recipient\r\n');
    const refused = this.server.behaviourFor(recipient).data;
    if (!this.answer(refused, 354, 'go on') || typeof refused === 'object') return;
    this.readingMessage = true;
  }

  /** @returns whether a whole message was taken from the input */
  private readMessage(): boolean {
    const [recipient = ''] = this.recipients;
    const behaviour = this.server.behaviourFor(recipient);
    if (this.input.length > 0 && !this.server.begun.includes(recipient)) this.server.begun.push(recipient);
    if (behaviour.midway && this.input.length > 0) {
      this.fallSilent(behaviour.midway);
      return false;
    }
    const end = this.input.indexOf(END_OF_MESSAGE);
    if (end < 0) return false;
    const message = this.input.subarray(0, end + 2);
    this.input = this.input.subarray(end + END_OF_MESSAGE.length);
    this.readingMessage = false;
    const { final, delay = 0, waitsFor } = behaviour;
    if (typeof final !== 'object' || final.code < 300) {
      for (const each of this.recipients) this.server.store(each, this.sender, unstuffed(message));
    }
    if (delay > 0) setTimeout(() => this.answer(final, 250, 'stored'), delay).unref();
    else if (waitsFor !== undefined) void waitsFor.then(() => this.answer(final, 250, 'stored'));
    else this.answer(final, 250, 'stored');
    return true;
  }

  /** @returns false where nothing was answered and nothing more will be */
  private answer(answer: Answer | undefined, code: number, text: string): boolean {
    if (answer === 'garbage') {
      this.socket.write(GARBAGE);
      return false;
    }
    if (typeof answer === 'string') {
      this.fallSilent(answer);
      return false;
    }
    if (!this.socket.destroyed) this.socket.write(`${answer?.code ?? code} ${answer?.text ?? text}\r\n`);
    return true;
  }

  private fallSilent(how: Silence | 'full'): void {
    this.socket.removeAllListeners('data');
    if (how === 'full') return void this.socket.pause();
    // Goes on reading, so that nothing but the missing answer tells the client.
    this.socket.resume();
    if (how === 'fin') this.socket.end();
    if (how === 'rst') this.socket.resetAndDestroy();
  }
}

/** Undoes the doubling of a leading dot (RFC 5321, 4.5.2). */
function unstuffed(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replace(/^\.\./gm, '.'), 'latin1');
}
