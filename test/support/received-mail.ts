// A mail as it arrived: its bytes, and what a mail reader makes of them.
import { type ParsedMail, simpleParser } from 'mailparser';

export interface ReceivedMail {
  recipient: string;
  sender: string;
  messageId: string;
  bytes: Buffer;
  at: number;
  parse(): Promise<ParsedMail>;
}

export function receiveMail(recipient: string, sender: string, bytes: Buffer): ReceivedMail {
  const head = bytes.subarray(0, bytes.indexOf('\r\n\r\n')).toString('latin1');
  const messageId = /^message-id:\s*(\S+)/im.exec(head)?.[1] ?? '';
  return { recipient, sender, messageId, bytes, at: Date.now(), parse: () => simpleParser(bytes) };
}
