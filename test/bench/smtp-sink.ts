// A mail server in a process of its own that takes everything, keeps nothing, and tells the driver what arrived when.
import { SMTPServer } from 'smtp-server';
import { now } from './clock';

/** Recipient and time of each mail. */
export type Arrived = [recipient: string, at: number][];

let arrived: Arrived = [];

function tell(recipient: string): void {
  arrived.push([recipient, now()]);
  if (arrived.length > 1) return;
  setImmediate(() => {
    process.send?.(arrived);
    arrived = [];
  });
}

const server = new SMTPServer({
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  logger: false,
  onData(stream, session, done) {
    stream.on('end', () => {
      for (const { address } of session.envelope.rcptTo) tell(address);
      done();
    });
    stream.resume();
  },
});
server.on('error', () => {});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.server.address() as { port: number }).port });
});
process.on('SIGTERM', () => process.exit(0));
