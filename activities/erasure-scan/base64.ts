// One address within base64, wherever in it it begins: for each of the three alignments a pattern of the characters that
// depend on it alone. What matches is decoded with its neighbours, to compare its edges too.
import { formsOf } from './address-forms';
import { SIDE } from './boundary';
import { type Pattern, plain, type Side, wide } from './patterns';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** A line of MIME ends after 76 characters, as it is or within JSON. */
const LINE_BREAK = '(?:\\r?\\n|(?:\\\\+r)?\\\\+n)?';
const CASE_BIT = 0x20;

export function base64PatternsOf(email: string): Pattern[] {
  const addresses = formsOf(email).map(({ local, domain }) => `${local}@${domain}`);
  // Letters of ASCII match in either case anyhow.
  const large = addresses.map((address) => address.toUpperCase()).filter((address) => /[^\0-\x7f]/.test(address));
  return [...addresses, ...large].flatMap((address) =>
    [0, 1, 2].flatMap((offset) => [
      base64Pattern(Buffer.from(address), offset, plain),
      base64Pattern(Buffer.from(address, 'utf16le'), offset, wide),
    ]),
  );
}

/** @param offset how many bytes of a group of three stand before it */
function base64Pattern(bytes: Buffer, offset: number, side: Side): Pattern {
  const first = Math.ceil((8 * offset) / 6);
  const last = Math.floor((8 * (offset + bytes.length)) / 6);
  const classes = Array.from({ length: last - first }, (_, n) => characterClass(bytes, 6 * (first + n) - 8 * offset));
  const pattern = new RegExp(classes.join(LINE_BREAK), 'g');
  const reach = 2 * Math.ceil((SIDE * (side === wide ? 8 : 4)) / 3);
  return {
    find(text, isPart) {
      const found: number[] = [];
      for (const { 0: match, index } of text.matchAll(pattern)) {
        const before = runBefore(text.slice(Math.max(0, index - reach), index));
        if (before.length < first) continue;
        const lead = before.slice((before.length - first) % 4);
        const after = runAfter(text.slice(index + match.length, index + match.length + reach));
        const decoded = Buffer.from(lead + clean(match) + after, 'base64');
        const start = ((lead.length - first) / 4) * 3 + offset;
        const end = start + bytes.length;
        if (lower(decoded.subarray(start, end)) !== lower(bytes)) continue;
        const around = decoded.toString('latin1');
        if (!isPart(side.left(around, start), side.right(around, end))) found.push(index);
      }
      return found;
    },
  };
}

/** The characters that six bits from `bit` on can give, with letters of either case. */
function characterClass(bytes: Buffer, bit: number): string {
  const at = Math.floor(bit / 8);
  const shift = 10 - (bit % 8);
  const values = new Set<number>();
  for (const high of cases(bytes[at])) {
    for (const low of cases(bytes[at + 1])) values.add((((high << 8) | low) >> shift) & 63);
  }
  const characters = [...values].map((value) => ALPHABET[value] as string);
  const single = characters.flatMap((one) => (one === '+' ? ['+', '\\-'] : one === '/' ? ['/', '_'] : [one]));
  const escaped = [...(values.has(62) ? ['%2[bB]'] : []), ...(values.has(63) ? ['%2[fF]'] : [])];
  return escaped.length > 0 ? `(?:[${single.join('')}]|${escaped.join('|')})` : `[${single.join('')}]`;
}

function cases(byte = 0): number[] {
  const isLetter = /[a-z]/i.test(String.fromCharCode(byte));
  return isLetter ? [byte, byte ^ CASE_BIT] : [byte];
}

const clean = (text: string) =>
  text
    .replace(/%2b/gi, '+')
    .replace(/%2f/gi, '/')
    .replace(/(?:\\+r)?\\+n|[\r\n]/g, '');
const runBefore = (text: string) => /[\w+/-]*$/.exec(clean(text))?.[0] ?? '';
const runAfter = (text: string) => /^[\w+/-]*/.exec(clean(text))?.[0] ?? '';
const lower = (bytes: Buffer) => bytes.toString('latin1').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
