// The mail of the local mailbox: one file a message, whole or not there.
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ParsedMail, simpleParser } from 'mailparser';

export interface Listed {
  name: string;
  at: Date;
  subject: string;
  from: string;
  to: string;
}

const NAME = /^[\w-]+\.eml$/;
/** Enough for any head. */
const HEAD_BYTES = 32_768;

export class Messages {
  constructor(readonly folder: string) {}

  /** Resolves once the message would survive the machine's loss of power. */
  async store(message: Readable): Promise<string> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const time = new Date().toISOString().replace(/[-:.]/g, '');
    const name = `${time}-${randomUUID().slice(0, 8)}.eml`;
    const partial = join(this.folder, `${name}.part`);
    try {
      await pipeline(message, createWriteStream(partial, { mode: 0o600, flush: true }));
      await rename(partial, join(this.folder, name));
      await syncFolder(this.folder);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    return name;
  }

  /** The newest first. */
  async names(): Promise<string[]> {
    const files = await readdir(this.folder).catch(() => [] as string[]);
    return files
      .filter((name) => NAME.test(name))
      .sort()
      .reverse();
  }

  async list(from: number, count: number): Promise<{ items: Listed[]; total: number }> {
    const names = await this.names();
    const items = await Promise.all(names.slice(from, from + count).map((name) => this.head(name)));
    return { items: items.filter((item) => item !== null), total: names.length };
  }

  async size(name: string): Promise<number | null> {
    if (!NAME.test(name)) return null;
    return stat(join(this.folder, name)).then(
      ({ size }) => size,
      () => null,
    );
  }

  raw(name: string, bytes?: number): Readable {
    return createReadStream(join(this.folder, name), bytes ? { end: bytes - 1 } : {});
  }

  read(name: string): Promise<ParsedMail> {
    return simpleParser(this.raw(name), { skipImageLinks: true });
  }

  private async head(name: string): Promise<Listed | null> {
    try {
      const { mtime } = await stat(join(this.folder, name));
      const mail = await simpleParser(this.raw(name, HEAD_BYTES), { skipTextToHtml: true, skipHtmlToText: true });
      return {
        name,
        at: mtime,
        subject: mail.subject ?? '(no subject)',
        from: mail.from?.text ?? '',
        to: addressees(mail),
      };
    } catch {
      return null;
    }
  }
}

export function addressees({ to }: ParsedMail): string {
  return [to ?? []]
    .flat()
    .map(({ text }) => text)
    .join(', ');
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
