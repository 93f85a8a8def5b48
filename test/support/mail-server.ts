// A mail server for tests that misbehaves on request. Written on a plain socket, because the faults that matter most
// (the message is stored, then the answer never comes) are just those that a proper server library rules out.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type ReceivedMail, receiveMail } from './received-mail';
import { type Behaviour, type Mailroom, SmtpDialogue } from './smtp-dialogue';

export class TestMailServer implements Mailroom {
  /** Every message that a mail server would now deliver, in order, whether or not its answer arrived. */
  readonly accepted: ReceivedMail[] = [];
  /** Connections ever opened, and open now. */
  connections = 0;
  readonly open = new Set<Socket>();
  /** Messages whose stream has begun, by recipient. */
  readonly begun: string[] = [];
  private readonly byRecipient = new Map<string, Behaviour>();
  private everywhere: Behaviour = {};
  private server: Server | null = null;
  port = 0;
  /** Told of each connection, with how many are open then. */
  onConnection: (open: number) => void = () => {};

  static async start(): Promise<TestMailServer> {
    const mailServer = new TestMailServer();
    await mailServer.listen();
    return mailServer;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** For one recipient, or for all who have no behaviour of their own; the newest word holds, for new steps at once. */
  behave(behaviour: Behaviour, recipient?: string): void {
    if (recipient === undefined) this.everywhere = behaviour;
    else this.byRecipient.set(recipient, behaviour);
  }
  behaviourFor(recipient: string | null): Behaviour {
    return (recipient !== null && this.byRecipient.get(recipient)) || this.everywhere;
  }

  acceptedFor(recipient: string): ReceivedMail[] {
    return this.accepted.filter((mail) => mail.recipient === recipient);
  }
  /** Message-IDs that were accepted more than once. */
  get repeated(): string[] {
    const ids = this.accepted.map((mail) => mail.messageId);
    return ids.filter((id, index) => ids.indexOf(id) !== index);
  }

  /** The drafts whose mail was accepted. */
  get draftIds(): Set<string | undefined> {
    return new Set(this.accepted.map(({ messageId }) => /<([0-9a-f-]{36})@/.exec(messageId ?? '')?.[1]));
  }

  store(recipient: string, sender: string, bytes: Buffer): void {
    this.accepted.push(receiveMail(recipient, sender, bytes));
  }

  /** Listens, again on the same port where it listened before. */
  async listen(): Promise<void> {
    this.server = createServer((socket) => {
      this.connections += 1;
      this.open.add(socket);
      this.onConnection(this.open.size);
      socket.on('close', () => this.open.delete(socket));
      socket.on('error', () => socket.destroy());
      new SmtpDialogue(this, socket).begin();
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as { port: number }).port;
  }
  /** Refuses connections from now on, and ends the open ones. */
  async away(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.open) socket.resetAndDestroy();
    await closed;
  }
}
