// The local mailbox of `npm start`: mails to the person and mails that mention them, in any part. It is an inbox for
// trying out, so a mail to somebody else goes too.
import { open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ParsedMail } from 'mailparser';
import type { Matcher } from '../../personal-data/matching/matcher';
import { NOTHING, type PersonalDataStore } from './store';

/** Mails, and those whose arrival was cut off. */
const MAIL = /\.eml(\.part)?$/;

interface StoredMail {
  name: string;
  mail: ParsedMail;
}

/** @param folder MAILBOX_PATH, unset where there is no such mailbox */
export function createMailboxStore(
  folder: string | undefined,
  matcher: Pick<Matcher, 'areMentioned'>,
): PersonalDataStore {
  async function namesWith(email: string, beat?: () => void): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of mailsThatMention(folder, matcher, email, beat)) names.push(name);
    return names;
  }

  return {
    name: 'mailbox',
    async preview({ email }) {
      return { ...NOTHING, erase: (await namesWith(email)).length };
    },
    async purge({ email }, beat) {
      const names = await namesWith(email, beat);
      if (folder && names.length > 0) {
        for (const name of names) await rm(join(folder, name), { force: true });
        await syncFolder(folder);
      }
      return { ...NOTHING, erase: names.length };
    },
    async *export({ email }) {
      for await (const { mail } of mailsThatMention(folder, matcher, email)) {
        const { from, to, subject, date, text, html, attachments } = mail;
        yield {
          from: from?.text ?? null,
          to: [to ?? []].flat().map((one) => one.text),
          subject: subject ?? null,
          date: date?.toISOString() ?? null,
          text: text ?? null,
          html: html || null,
          attachments: attachments.map(({ filename, contentType, size }) => ({
            name: filename ?? null,
            type: contentType,
            size,
          })),
        };
      }
    },
    async *texts() {
      for await (const { raw, mail } of mailsIn(folder)) for (const text of textsOf(raw, mail)) if (text) yield text;
    },
  };
}

async function* mailsThatMention(
  folder: string | undefined,
  matcher: Pick<Matcher, 'areMentioned'>,
  email: string,
  beat = () => {},
): AsyncIterable<StoredMail> {
  for await (const { name, raw, mail } of mailsIn(folder)) {
    const texts = textsOf(raw, mail).flatMap((text) => text || []);
    if ((await matcher.areMentioned(texts, email)).includes(true)) yield { name, mail };
    beat();
  }
}

async function* mailsIn(folder: string | undefined): AsyncIterable<StoredMail & { raw: Buffer }> {
  if (!folder) return;
  // Few installations keep mail as files, and every worker would load it.
  const { simpleParser } = await import('mailparser');
  for (const name of ((await readdir(folder).catch(nullIfGone)) ?? []).filter((one) => MAIL.test(one)).sort()) {
    const raw = await readFile(join(folder, name)).catch(nullIfGone);
    if (raw) yield { name, raw, mail: await simpleParser(raw, { skipImageLinks: true }) };
  }
}

function textsOf(raw: Buffer, mail: ParsedMail): (string | undefined)[] {
  const addresses = [mail.from, mail.replyTo, mail.to, mail.cc, mail.bcc].flatMap((one) => one ?? []);
  return [
    raw.toString(),
    ...mail.headerLines.map(({ line }) => line),
    ...addresses.flatMap(({ value }) => value.map(({ address = '', name }) => `${name}\n${address}`)),
    mail.subject,
    mail.text,
    mail.html || undefined,
    ...mail.attachments.flatMap(({ filename, content }) => [filename, content.toString(), content.toString('utf16le')]),
  ];
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

function nullIfGone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
