// The local mailbox as a process: takes mail by SMTP, shows it at a page.
import { onStarterGone } from '../../runtime/starter';
import { Messages } from './messages';
import { createMailboxPage } from './page';
import { createSmtpServer } from './smtp';

const { MAILBOX_FOLDER = '', MAILBOX_SMTP_PORT, MAILBOX_PAGE_PORT } = process.env;
const messages = new Messages(MAILBOX_FOLDER);
const smtp = createSmtpServer(messages);
const page = createMailboxPage(messages);

// A client that breaks off is the client's matter.
smtp.on('error', (error: NodeJS.ErrnoException) => {
  if (error.syscall === 'listen') fail(error);
});
page.on('error', fail);
smtp.listen(Number(MAILBOX_SMTP_PORT), '127.0.0.1', () => page.listen(Number(MAILBOX_PAGE_PORT), '127.0.0.1'));

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
onStarterGone(end);

/** A message that is arriving may finish. */
function end(): void {
  page.close(() => {});
  page.closeAllConnections();
  smtp.close(() => process.exit(0));
  setTimeout(() => process.exit(0), 3_000).unref();
}

function fail(error: Error): void {
  console.error(error.message);
  process.exit(1);
}
