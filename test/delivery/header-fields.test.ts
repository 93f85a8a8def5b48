// What was approved is what a reader of the mail reads, whatever somebody wrote to make the two differ.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Headers, type ParsedMail, type StructuredHeader, simpleParser } from 'mailparser';
import type { OpenMail } from '../../activities/mail-delivery/claims';
import { composeMessage, createSender, type Sender } from '../../activities/mail-delivery/message';
import { cleanFileName } from '../../api/file-name';
import { NewDraft } from '../../api/schemas/draft';
import { SETTINGS } from '../support/commands';
import { type Random, randomOf } from '../support/random';

const BYTES = Buffer.from('The bytes of a file.');
const SHA256 = createHash('sha256').update(BYTES).digest('hex');
const files = { get: async () => Readable.from([BYTES]) };
const senderOf = (MAIL_FROM: string): Sender =>
  createSender({ MAIL_FROM, PUBLIC_URL: 'https://mail.example', SECRET_KEY: SETTINGS.SECRET_KEY });
const SENDER = senderOf('Example Outbox <outbox@countersign.example>');

const mailOf = (subject: string, ...names: string[]): OpenMail => ({
  id: '0197a000-0000-7000-8000-000000000001',
  messageId: '<0197a000-0000-7000-8000-000000000001@countersign.example>',
  to: 'reader@example.org',
  recipientHash: new Uint8Array(32),
  replyTo: null,
  subject,
  body: 'Here they are.',
  html: null,
  contentHash: new Uint8Array(32),
  attempts: 0,
  traceparent: null,
  attachments: names.map((name) => ({
    id: '0197a000-0000-7000-8000-000000000002',
    name,
    type: 'text/plain',
    size: BYTES.length,
    sha256: SHA256,
  })),
});

async function read(mail: OpenMail, sender = SENDER): Promise<{ lines: string[]; head: string[]; parsed: ParsedMail }> {
  const chunks: Buffer[] = [];
  for await (const chunk of composeMessage(mail, sender, files)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString('latin1');
  const lines = text.split('\r\n');
  return { lines, head: text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n'), parsed: await simpleParser(bytes) };
}

const MEAN_PIECES = [
  ...[
    '=?utf-8?B?SGFsbG8=?=',
    '=?utf-8?Q?Hallo_you?=',
    '=?iso-8859-1?q?=E4?=',
    '=?utf-8?B?',
    '=?',
    '?=',
    '=?x?y?z?=',
    '_',
  ],
  ...[
    ' ',
    '  ',
    '     ',
    'x'.repeat(61),
    'y'.repeat(300),
    'plain',
    'words',
    'Re:',
    '"',
    '\\',
    "'",
    '(',
    ')',
    '<',
    '>',
    ',',
    ';',
  ],
  ...[
    '%41',
    '%',
    '*',
    "utf-8''",
    '.pdf',
    'ä',
    'é',
    '議事録',
    '🚀',
    '👩‍👩‍👧‍👦',
    'שלום',
    '\u202e',
    'e\u0301',
    '\u00a0',
    '\u3000',
    '\u00ad',
  ],
];

function meanText(random: Random): string {
  const pieces = Array.from(
    { length: 1 + Math.floor(random() * 12) },
    () => MEAN_PIECES[Math.floor(random() * MEAN_PIECES.length)],
  );
  return [...pieces.join(random() < 0.5 ? '' : ' ')].slice(0, 998).join('');
}

/** Not every reader unfolds a URL. */
const tooLong = (head: string[]) => head.filter((line) => line.length > 78 && !line.startsWith('List-Unsubscribe: '));

const oldName = (headers: Headers) => (headers.get('content-type') as StructuredHeader).params.name;

it('a mail says its subject, its sender and the names of its files as they were approved, and folds its lines', async () => {
  const random = randomOf(20_261_130);
  for (let i = 0; i < 400; i++) {
    const subject = meanText(random);
    // The API takes a subject as it is, or refuses it; it cleans the name of a file.
    if (!NewDraft.shape.subject.safeParse(subject).success) continue;
    const names = [cleanFileName(meanText(random)), cleanFileName(meanText(random))];
    const name = meanText(random);
    const { lines, head, parsed } = await read(mailOf(subject, ...names), { ...SENDER, name });
    const about = JSON.stringify({ subject, names, name });
    expect([about, parsed.subject]).toEqual([about, subject]);
    expect([about, parsed.attachments.map(({ filename }) => filename)]).toEqual([about, names]);
    // Readers that know no RFC 2231 take the name from here.
    expect([about, parsed.attachments.map(({ headers }) => oldName(headers))]).toEqual([about, names]);
    expect([about, parsed.from?.value]).toEqual([about, [{ name: name.trim() && name, address: SENDER.address }]]);
    expect([about, lines.filter((line) => Buffer.byteLength(line, 'latin1') > 998)]).toEqual([about, []]);
    expect([about, tooLong(head)]).toEqual([about, []]);
    expect([about, lines.filter((line) => /[^\t -~]/.test(line) || /^\s+$/.test(line))]).toEqual([about, []]);
  }
});

it.each([1, 60, 61, 67, 68, 69, 70, 77, 78, 79, 140, 997, 998])(
  'a subject of %d letters fits its lines',
  async (length) => {
    for (const letter of ['x', 'ä', '議', '🚀', 'x ']) {
      const subject = `${letter.repeat(length)}`.slice(0, length * letter.trim().length).trim();
      const { head, parsed } = await read(mailOf(subject));
      expect(parsed.subject).toBe(subject);
      expect(tooLong(head)).toEqual([]);
    }
  },
);

it('leaves plain words readable in the source of the mail', async () => {
  const { head, lines } = await read(mailOf('The minutes of 3 November, (draft) #2', 'The minutes 2026.pdf'));
  expect(head).toContain('Subject: The minutes of 3 November, (draft) #2');
  expect(head).toContain('From: "Example Outbox" <outbox@countersign.example>');
  expect(lines).toContain('Content-Disposition: attachment; filename="The minutes 2026.pdf"');
  expect(lines).toContain('Content-Type: text/plain; name="The minutes 2026.pdf"');
});

it.each([
  ['outbox@example.com', '', 'outbox@example.com'],
  ['Example Outbox <outbox@example.com>', 'Example Outbox', 'outbox@example.com'],
  ['"Outbox, \\"Example\\"" <outbox@example.com>', 'Outbox, "Example"', 'outbox@example.com'],
  ['Grüße <outbox@example.com>', 'Grüße', 'outbox@example.com'],
  ['=?utf-8?B?SGFsbG8=?= <outbox@example.com>', '=?utf-8?B?SGFsbG8=?=', 'outbox@example.com'],
])('a mail from %j has the name %j', async (from, name, address) => {
  const { parsed } = await read(mailOf('x'), senderOf(from));
  expect(parsed.from?.value).toEqual([{ name, address }]);
});

it('can be forged by no line break, though none comes this far', async () => {
  const mean = 'Hi\r\nBcc: evil@example.org\r\n\r\n\0<b>\u2028x';
  const { parsed, head } = await read(mailOf(mean, mean), { ...SENDER, name: mean });
  expect(parsed.bcc).toBeUndefined();
  expect(parsed.subject).toBe('Hi Bcc: evil@example.org <b> x');
  expect(parsed.attachments.map(({ filename }) => filename)).toEqual(['Hi Bcc: evil@example.org <b> x']);
  expect(head.filter((line) => /^Bcc/i.test(line))).toEqual([]);
});

it('keeps every line of a body short, whatever its line breaks are', async () => {
  const bodies = [
    'x'.repeat(5_000),
    `${'x'.repeat(70)}\r`.repeat(100),
    `${'x '.repeat(35)}\n\r`.repeat(100),
    '\u007f'.repeat(2_000),
    'ä'.repeat(3_000),
    ' '.repeat(3_000).concat('.'),
    '.\n'.repeat(500),
  ];
  for (const body of bodies) {
    const { lines } = await read({ ...mailOf('x'), body, html: body });
    // A bare carriage return becomes a line break on its way to the server.
    const longest = Math.max(...lines.flatMap((line) => line.split(/[\r\n]/)).map((line) => line.length));
    expect(longest).toBeLessThanOrEqual(998);
  }
});
