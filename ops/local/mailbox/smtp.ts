// A mail server on loopback that takes every mail and keeps it.
import { SMTPServer } from 'smtp-server';
import type { Messages } from './messages';

export function createSmtpServer(messages: Messages): SMTPServer {
  return new SMTPServer({
    name: 'localhost',
    banner: 'Countersign local mailbox',
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData(stream, _session, callback) {
      messages.store(stream).then(
        () => callback(null),
        () => callback(Object.assign(new Error('The message could not be stored'), { responseCode: 452 })),
      );
    },
  });
}
