// The mail itself, made of exactly what was approved.
import { Readable } from 'node:stream';
import addressparser from 'nodemailer/lib/addressparser';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Configuration } from '../../ops/runtime/configuration';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { hashContent } from '../commands/draft-content';
import { createUnsubscribeTokens } from '../personal-data/unsubscribe-token';
import { streamPart } from './attachment-part';
import type { OpenMail } from './claims';
import { encodeMailbox, encodeText, field } from './header-fields';
import { domainOf, toMailAddress } from './mail-address';

export interface Sender {
  /** Empty if MAIL_FROM has none. */
  name: string;
  address: string;
  /** Of its Message-IDs. */
  domain: string;
  /** Where the recipient with this keyed hash unsubscribes. */
  unsubscribeUrl(recipientHash: Uint8Array): string;
}

export type SenderSettings = Pick<Configuration, 'MAIL_FROM' | 'PUBLIC_URL' | 'SECRET_KEY'>;

/** Returns the name and the bare address in MAIL_FROM. */
export function readMailbox(from: string): Pick<Sender, 'name' | 'address'> {
  const { name = '', address = '' } = addressparser(from, { flatten: true })[0] ?? {};
  return { name, address: toMailAddress(address) };
}

export function createSender({ MAIL_FROM: from, PUBLIC_URL, SECRET_KEY }: SenderSettings): Sender {
  const { name, address } = readMailbox(from);
  const { tokenFor } = createUnsubscribeTokens(SECRET_KEY);
  // In ASCII, its host too.
  const base = new URL(PUBLIC_URL).href.replace(/\/+$/, '');
  return {
    name,
    address,
    domain: domainOf(address) || 'localhost',
    unsubscribeUrl: (recipientHash) => `${base}/unsubscribe/${tokenFor(recipientHash)}`,
  };
}

export const isApproved = (mail: OpenMail) => Buffer.from(mail.contentHash).equals(hashContent(mail));

/** Composes the mail while it is read, and reads attachments only then. Throws what `streamAttachment` does. */
export async function* composeMessage(
  mail: OpenMail,
  sender: Sender,
  files: Pick<ObjectStore, 'get'>,
  date = new Date(),
): AsyncGenerator<Buffer> {
  const head = [
    field('From', encodeMailbox(sender.name, sender.address)),
    field('To', toMailAddress(mail.to)),
    ...(mail.replyTo ? [field('Reply-To', toMailAddress(mail.replyTo))] : []),
    field('Subject', encodeText(mail.subject)),
  ];
  yield Buffer.from(`${head.join('\r\n')}\r\n`);
  const composer = new MailComposer({
    text: mail.body,
    ...(mail.html ? { html: mail.html } : {}),
    attachments: mail.attachments.map((file) => ({ raw: Readable.from(streamPart(files, file)) })),
    messageId: mail.messageId,
    // RFC 8058. On one line: not every reader unfolds a URL.
    headers: {
      'List-Unsubscribe': { prepared: true, value: `<${sender.unsubscribeUrl(mail.recipientHash)}>` },
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
    date,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  yield* composer.compile().createReadStream();
}
