// The mail itself, made of exactly what was approved.
import { Readable } from 'node:stream';
import addressparser from 'nodemailer/lib/addressparser';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Configuration } from '../../ops/runtime/configuration';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { hashContent } from '../commands/draft-content';
import { createUnsubscribeTokens } from '../personal-data/unsubscribe-token';
import { streamAttachment } from './attachment-content';
import type { OpenMail } from './claims';

export interface Sender {
  /** With or without a name, as MAIL_FROM has it. */
  from: string;
  address: string;
  /** Of its Message-IDs. */
  domain: string;
  /** Where the recipient with this keyed hash unsubscribes. */
  unsubscribeUrl(recipientHash: Uint8Array): string;
}

export type SenderSettings = Pick<Configuration, 'MAIL_FROM' | 'PUBLIC_URL' | 'SECRET_KEY'>;

/** Returns the bare address in MAIL_FROM. */
export const senderAddress = (from: string): string => addressparser(from, { flatten: true })[0]?.address ?? '';
export const domainOf = (address: string): string => address.split('@')[1] ?? '';

export function createSender({ MAIL_FROM: from, PUBLIC_URL, SECRET_KEY }: SenderSettings): Sender {
  const address = senderAddress(from);
  const { tokenFor } = createUnsubscribeTokens(SECRET_KEY);
  const base = PUBLIC_URL.replace(/\/+$/, '');
  return {
    from,
    address,
    domain: domainOf(address) || 'localhost',
    unsubscribeUrl: (recipientHash) => `${base}/unsubscribe/${tokenFor(recipientHash)}`,
  };
}

export const isApproved = (mail: OpenMail) => Buffer.from(mail.contentHash).equals(hashContent(mail));

/** Composes the mail while it is read, and reads attachments only then. Throws what `streamAttachment` does. */
export async function* composeMessage(
  mail: OpenMail,
  { from, unsubscribeUrl }: Sender,
  files: Pick<ObjectStore, 'get'>,
  date = new Date(),
): AsyncGenerator<Buffer> {
  const composer = new MailComposer({
    from,
    to: { name: '', address: mail.to },
    ...(mail.replyTo ? { replyTo: { name: '', address: mail.replyTo } } : {}),
    subject: mail.subject,
    text: mail.body,
    ...(mail.html ? { html: mail.html } : {}),
    attachments: mail.attachments.map(({ name, type, sha256 }) => ({
      filename: name,
      contentType: type,
      content: Readable.from(streamAttachment(files, sha256)),
    })),
    messageId: mail.messageId,
    // RFC 8058. On one line: not every reader unfolds a URL.
    headers: {
      'List-Unsubscribe': { prepared: true, value: `<${unsubscribeUrl(mail.recipientHash)}>` },
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
    date,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  yield* composer.compile().createReadStream();
}
