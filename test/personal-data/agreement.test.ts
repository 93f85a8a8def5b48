// The scan and the erasure of mentions know nothing of one another, and must agree: what the one would find, the other
// removes. Addresses are escaped, surrounded and encoded by chance; the seed makes a failure come again.
import { createNeedles } from '../../activities/erasure-scan/needles';
import { mentionsOf } from '../../activities/personal-data/mentions';
import { EMAIL, IDN } from '../erasure-scan/spellings';
import { randomOf } from '../support/random';
import { isLongRun } from '../support/servers';

const EMAILS = [EMAIL, IDN.email, 'a@b.co', 'o_b-c+tag@sub.example.org', "o'neil=x@example.org"];
const ROUNDS = isLongRun ? 50_000 : 2_000;
const SEED = 20_260;

const hex = (byte: number) => byte.toString(16).padStart(2, '0');
const bytewise = (sign: string) => (one: string) => [...Buffer.from(one)].map((byte) => sign + hex(byte)).join('');
const ESCAPES: ((one: string) => string)[] = [
  (one) => one.toUpperCase(),
  bytewise('%'),
  bytewise('='),
  bytewise('%25'),
  (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  (one) => `&#${one.codePointAt(0)};`,
];
const BEFORE = [
  ...['', '', ' ', 'x', 'x.', '-', '.', '+', '"', '/', '=', '%', '\\', 'ä', 'é.', '“', '\u00a0', '😀', '0', 'f=', '3D'],
  ...[
    '%20',
    '=20',
    '\\n',
    '\\\\n',
    '\\u003c',
    '\\x61',
    '&lt;',
    '&#97;',
    '%C3%A4',
    '%e2%80%9c',
    '=\r\n',
    'a=\r\n',
    '%6',
  ],
];
const AFTER = [
  ...['', '', ' ', 'x', '-', '-x', '.', '.uk', '.pdf', '.pdf.uk', '..x', '"', '=', '%', '\\', 'ä', '”', '…', '😀', '_'],
  ...['%20', '=20', '\\n', '%2Euk', '=2Euk', '\\x2euk', '\\u201d', '&gt;', '=\r\n', '=\r\n.uk', '.\r\n'],
];
const ENCODINGS: ((text: string) => string)[] = [
  (text) => text,
  (text) => text,
  (text) => Buffer.from(text).toString('base64'),
  (text) => Buffer.from(text).toString('base64url'),
  (text) => Buffer.from(text).toString('hex'),
  (text) => Buffer.from(text, 'utf16le').toString('base64'),
  (text) => Buffer.from(text).toString('base64').replace(/.{8}/g, '$&\r\n'),
  (text) => JSON.stringify(text),
  (text) => encodeURIComponent(text),
];

it.each(EMAILS)('leave nothing of %s for the other to find', (email) => {
  const next = randomOf(SEED);
  const pick = <T>(all: T[]): T => all[Math.floor(next() * all.length)] as T;
  const needles = createNeedles({ email, fingerprints: [] });
  const mentions = mentionsOf(email);
  const scan = (text: string) => needles.find(Buffer.from(text), 0, Number.POSITIVE_INFINITY);
  let found = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const escaped = [...email].map((one) => (next() < 0.7 ? one : pick(ESCAPES)(one))).join('');
    const inner = pick(BEFORE) + pick(BEFORE) + escaped + pick(AFTER) + pick(AFTER);
    const text = pick(BEFORE) + pick(ENCODINGS)(inner) + pick(AFTER);
    if (scan(text) === 0) continue;
    found += 1;
    const replaced = mentions.replace(text);
    expect({ text, left: scan(replaced.text) }).toEqual({ text, left: 0 });
  }
  expect(found).toBeGreaterThan(ROUNDS / 10);
});
