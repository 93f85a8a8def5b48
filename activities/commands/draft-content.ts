// What an approval approves: a hash over everything the mail is made of.
import { createHash } from 'node:crypto';

export interface DraftContent {
  to: string | null;
  replyTo: string | null;
  subject: string;
  body: string;
  html: string | null;
  attachments: { name: string; type: string; sha256: string }[];
}

export function hashContent(content: DraftContent): Uint8Array<ArrayBuffer> {
  const { to, replyTo, subject, body, html, attachments } = content;
  const files = attachments.map(({ name, type, sha256 }) => [name, type, sha256]);
  return Uint8Array.from(
    createHash('sha256')
      .update(JSON.stringify([to, replyTo, subject, body, html, files]))
      .digest(),
  );
}
