// Mentions within base64 and hex: each run of such characters is decoded at every offset that its beginning may have.
import type { isAnothers } from './mention-boundary';
import type { Span } from './spelling';

interface Encoding {
  name: 'base64' | 'hex';
  /** A run of its characters; lines may break within, and URLs escape some. */
  run: RegExp;
  characters: number;
  bytes: number;
}

const BREAK = '(?:\\r?\\n|(?:\\\\+r)?\\\\+n)';
const ENCODINGS: Encoding[] = [
  {
    name: 'base64',
    run: new RegExp(`[\\w+/-]+(?:(?:%2[bBfF]|${BREAK}(?=[\\w+/-]))[\\w+/-]*)*`, 'g'),
    characters: 4,
    bytes: 3,
  },
  { name: 'hex', run: /[\da-f]+/gi, characters: 2, bytes: 1 },
];
/** Bytes on each side, to see whether it is somebody else's. */
const BESIDE = 384;
const UNIT = new RegExp(`%2[bBfF]|${BREAK}|[\\s\\S]`, 'g');

export function encodedSpans(text: string, address: string, isOther: typeof isAnothers): Span[] {
  const forms = [address, address.toUpperCase()].flatMap((one) => [Buffer.from(one), Buffer.from(one, 'utf16le')]);
  const needles = forms.map(lower);
  const shortest = Math.min(...needles.map(({ length }) => length));
  const spans: Span[] = [];
  for (const encoding of ENCODINGS) {
    const least = (shortest * encoding.characters) / encoding.bytes;
    // Most runs are words, and there are many.
    for (const { 0: run, index } of text.matchAll(encoding.run)) {
      if (run.length < least) continue;
      for (const { start, end } of spansIn(run, needles, encoding, isOther)) {
        spans.push({ start: index + start, end: index + end });
      }
    }
  }
  return spans;
}

function spansIn(
  run: string,
  needles: Buffer[],
  { name, characters, bytes }: Encoding,
  isOther: typeof isAnothers,
): Span[] {
  const encoded = plain(run);
  const spans: Span[] = [];
  for (let offset = 0; offset < characters; offset++) {
    const decoded = Buffer.from(encoded.slice(offset), name);
    const searched = lower(decoded);
    for (const needle of needles) {
      for (let at = searched.indexOf(needle); at >= 0; at = searched.indexOf(needle, at + 1)) {
        const end = at + needle.length;
        const before = decoded.subarray(Math.max(0, at - BESIDE), at);
        const after = decoded.subarray(end, end + BESIDE);
        if (isOther(textBefore(before, needle), textAfter(after, needle))) continue;
        const group = (position: number) => offset + position * characters;
        spans.push(placed(run, group(Math.floor(at / bytes)), group(Math.ceil(end / bytes))));
      }
    }
  }
  return spans;
}

/** From positions among the encoding's own characters to those in the text. */
function placed(run: string, from: number, to: number): Span {
  let seen = 0;
  const span = { start: 0, end: run.length };
  for (const { 0: unit, index } of run.matchAll(UNIT)) {
    if (isBreak(unit)) continue;
    if (seen === from) span.start = index;
    seen += 1;
    if (seen === to) span.end = index + unit.length;
  }
  return span;
}

const isBreak = (unit: string) => (unit.length > 1 ? !unit.startsWith('%') : unit === '\n');
const plain = (run: string) => run.replace(/%2b/gi, '+').replace(/%2f/gi, '/').replace(new RegExp(BREAK, 'g'), '');
/** Of the same length, for comparison. */
const lower = (bytes: Buffer) => Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
/** In UTF-16 a zero stands behind each letter, as far as it goes. */
const textBefore = (bytes: Buffer, needle: Buffer) =>
  needle.includes(0) ? narrow(/(?:[^\0]\0)*$/.exec(bytes.toString('latin1'))) : bytes.toString();
const textAfter = (bytes: Buffer, needle: Buffer) =>
  needle.includes(0) ? narrow(/^(?:[^\0]\0)*[^\0]?/.exec(bytes.toString('latin1'))) : bytes.toString();
const narrow = (match: RegExpExecArray | null) => (match?.[0] ?? '').replaceAll('\0', '');
