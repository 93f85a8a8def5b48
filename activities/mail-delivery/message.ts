// The mail itself, made of exactly what was approved.
import { Readable } from 'node:stream';
import addressparser from 'nodemailer/lib/addressparser';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { ObjectStore } from '../../ops/runtime/object-store';
import { hashContent } from '../commands/draft-content';
import { streamAttachment } from './attachment-content';
import type { OpenMail } from './claims';

export interface Sender {
  /** With or without a name, as MAIL_FROM has it. */
  from: string;
  address: string;
  /** Of its Message-IDs. */
  domain: string;
}

export function readSender(from: string): Sender {
  const address = addressparser(from, { flatten: true })[0]?.address ?? '';
  return { from, address, domain: address.split('@')[1] || 'localhost' };
}

export const isApproved = (mail: OpenMail) => Buffer.from(mail.contentHash).equals(hashContent(mail));

/** Reads nothing until it is read; `begun()` tells whether it has been. Attachments are streamed. */
export function composeMessage(mail: OpenMail, from: string, files: Pick<ObjectStore, 'get'>, date = new Date()) {
  const compose = () =>
    new MailComposer({
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
      date,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
      .compile()
      .createReadStream();
  let begun = false;
  const stream = Readable.from(
    (async function* () {
      begun = true;
      yield* compose();
    })(),
    { objectMode: false },
  );
  return { stream, begun: () => begun };
}
