// The local mailbox as a store of personal data, with mails as its own SMTP server wrote them.
import { readdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { createMatcher } from '../../../activities/personal-data/matching/matcher';
import { createMailboxStore } from '../../../activities/user-erasure/stores/mailbox';
import { Messages } from '../../../ops/local/mailbox/messages';
import { createSmtpServer } from '../../../ops/local/mailbox/smtp';
import { collect } from '../../support/collect';
import { newFolder } from '../../support/environment';
import { person } from './person';

const EMAIL = 'ada@example.org';
const matcher = createMatcher();
afterAll(() => matcher.close());
const ADA = person(EMAIL);
const nothing = { erase: 0, anonymise: 0, withhold: 0, ground: null };
const OTHER = {
  from: 'outbox@countersign.example',
  to: 'reader@example.org',
  subject: 'Minutes',
  text: 'Here they are.',
};
const LONG = 'A line of a letter that is long enough to be folded by quoted-printable, and with an ä in it. ';

const ABOUT: [name: string, mail: SendMailOptions][] = [
  ['to the person', { to: `"Ada" <${EMAIL}>` }],
  ['to the person, in capitals', { to: EMAIL.toUpperCase() }],
  ['to several', { cc: `x@example.org, ${EMAIL}` }],
  ['with their address to reply to', { replyTo: EMAIL }],
  [
    'with a subject that is encoded',
    { subject: `Grüße an ${EMAIL} und viele andere, in einer langen Zeile, die gefaltet wird` },
  ],
  ['with a text in quoted-printable', { text: `${LONG.repeat(3)}${EMAIL} ${LONG}`, textEncoding: 'quoted-printable' }],
  ['with a text in base64', { text: `${LONG.repeat(3)}${EMAIL} ${LONG}`, textEncoding: 'base64' }],
  ['with HTML', { html: `<a href="mailto:${encodeURIComponent(EMAIL)}">write</a>` }],
  ['with an attachment', { attachments: [{ filename: 'list.csv', content: `name,mail\nAda,${EMAIL}\n` }] }],
  [
    'with an attachment in UTF-16',
    { attachments: [{ filename: 'list.txt', content: Buffer.from(` ${EMAIL} `, 'utf16le') }] },
  ],
  ['with an attachment of that name', { attachments: [{ filename: `für ${EMAIL}.txt`, content: 'x' }] }],
];
const OTHERS: [name: string, mail: SendMailOptions][] = [
  ['to somebody else', {}],
  ['to a longer address', { to: `x${EMAIL}`, text: `x${EMAIL}` }],
  ['to a longer domain', { to: `${EMAIL}.uk`, text: `${LONG}${EMAIL}.uk`, textEncoding: 'base64' }],
  ['with a longer address attached', { attachments: [{ filename: 'list.csv', content: `x${EMAIL}` }] }],
];

let folder: string;
const mails = () => readdirSync(folder).sort();
beforeEach(() => {
  folder = newFolder('mailbox');
});

async function deliver(...sent: SendMailOptions[]): Promise<void> {
  const smtp = createSmtpServer(new Messages(folder));
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  const transport = createTransport({ host: '127.0.0.1', port: (smtp.server.address() as AddressInfo).port });
  for (const mail of sent) await transport.sendMail({ ...OTHER, ...mail });
  transport.close();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
}

it.each(ABOUT)('removes a mail %s', async (_name, mail) => {
  const store = createMailboxStore(folder, matcher);
  await deliver({});
  const kept = mails();
  await deliver(mail);
  expect(await store.preview(ADA)).toEqual({ ...nothing, erase: 1 });
  expect(await collect(store.export(ADA))).toHaveLength(1);
  expect(mails()).toHaveLength(2);
  expect(await store.purge(ADA, () => {})).toEqual({ ...nothing, erase: 1 });
  expect(mails()).toEqual(kept);
});

it.each(OTHERS)('keeps a mail %s', async (_name, mail) => {
  const store = createMailboxStore(folder, matcher);
  await deliver(mail);
  expect(await store.preview(ADA)).toEqual(nothing);
  expect(await store.purge(ADA, () => {})).toEqual(nothing);
  expect(mails()).toHaveLength(1);
});

it('exports what a mail says', async () => {
  await deliver({ to: EMAIL, attachments: [{ filename: 'a.txt', content: 'x' }] });
  expect(await collect(createMailboxStore(folder, matcher).export(ADA))).toEqual([
    expect.objectContaining({
      from: OTHER.from,
      to: [EMAIL],
      subject: OTHER.subject,
      text: 'Here they are.',
      attachments: [{ name: 'a.txt', type: 'text/plain', size: 1 }],
    }),
  ]);
});

it('removes what was cut off while it arrived, and looks at nothing but mails', async () => {
  writeFileSync(join(folder, 'half.eml.part'), `To: ${EMAIL}\r\n`);
  writeFileSync(join(folder, 'notes.txt'), EMAIL);
  expect(await createMailboxStore(folder, matcher).purge(ADA, () => {})).toEqual({ ...nothing, erase: 1 });
  expect(mails()).toEqual(['notes.txt']);
});

it('that is not there holds nothing', async () => {
  for (const store of [
    createMailboxStore(undefined, matcher),
    createMailboxStore(join(folder, 'not there yet'), matcher),
  ]) {
    expect([await store.preview(ADA), await store.purge(ADA, () => {}), await collect(store.export(ADA))]).toEqual([
      nothing,
      nothing,
      [],
    ]);
  }
});
