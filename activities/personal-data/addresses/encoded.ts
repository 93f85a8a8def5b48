// Decodes runs of base64 and hex that may hold an at sign, wherever in them a byte begins.
import { escapedLetterEnd } from './escapes';

/** A run without what breaks it (line breaks, escaped characters), and where each of its characters stands in the text. */
export interface Run {
  characters: string;
  /** Null: one after the other, from `start` on. */
  positions: number[] | null;
  start: number;
  end: number;
}

export interface Decoded {
  bytes: string;
  startOf(byte: number): number;
  endOf(byte: number): number;
}

/** Shorter ones hold no address. */
export const SHORTEST_RUN = 8;
/** The characters of base64, also for URLs; those of hex are among them. */
export const IN_RUN = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[\w+/-]/.test(String.fromCharCode(byte)) && byte < 128 ? 1 : 0,
);
/** An at sign in each of the three places that a byte may have in a group of base64. */
const AT_IN_BASE64 = /Q[AD-HM-P]|[EUk0][ABD]|[BFJNRVZdhlptx159]A[AM-OQ-WY-ew-z\d+/_-]/;
const AT_IN_HEX = /[2-7c-f][\da-f]40[3-7c-f][\da-f]/i;
const HEX_RUN = /[\da-f]{12,}/gi;

/** Reads the run that begins at `start` over line breaks and escaped characters, up to where it ends.
 *  @param firstEnd where it is broken first, or ends */
export function readRun(text: string, start: number, firstEnd: number): Run {
  const parts: string[] = [];
  let positions: number[] | null = null;
  let from = start;
  for (let end = firstEnd; ; end = from) {
    while (end < text.length && IN_RUN[text.charCodeAt(end) & 0xff] === 1) end++;
    parts.push(text.slice(from, end));
    if (positions) for (let i = from; i < end; i++) positions.push(i);
    const escaped = escapedCharacter(text, end);
    const next = escaped ? end + escaped.width : end - from >= SHORTEST_RUN ? breakEnd(text, end) : end;
    if (next === end || (!escaped && IN_RUN[text.charCodeAt(next) & 0xff] !== 1)) {
      return { characters: parts.join(''), positions, start, end };
    }
    positions ??= Array.from({ length: end - start }, (_, i) => start + i);
    if (escaped) {
      parts.push(escaped.character);
      positions.push(end);
    }
    from = next;
  }
}

function breakEnd(text: string, at: number): number {
  if (text[at] === '\n') return at + 1;
  if (text[at] === '\r' && text[at + 1] === '\n') return at + 2;
  const carriageReturn = escapedLetterEnd(text, at, 'r');
  const end = escapedLetterEnd(text, carriageReturn, 'n');
  return end > carriageReturn ? end : at;
}

/** As URLs and JSON escape what base64 has besides letters and digits. */
function escapedCharacter(text: string, at: number): { character: string; width: number } | null {
  if (text[at] === '%') {
    const code = text.slice(at + 1, at + 3).toUpperCase();
    return code === '2B' ? { character: '+', width: 3 } : code === '2F' ? { character: '/', width: 3 } : null;
  }
  return text[at] === '\\' && text[at + 1] === '/' ? { character: '/', width: 2 } : null;
}

/** Marks the bytes that may break a run: a line's end, or the beginning of an escape. */
export const BREAKS_RUN = Uint8Array.from({ length: 256 }, (_, byte) =>
  '\r\n\\%'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/** Returns whether the run is worth decoding. */
export const mayHoldAt = (characters: string): boolean => AT_IN_BASE64.test(characters) || AT_IN_HEX.test(characters);

/** Each way to decode the run that gives an at sign. */
export function* decodingsOf({ characters, positions, start }: Run): Iterable<Decoded> {
  const place = (index: number) => (positions ? (positions[index] as number) : start + index);
  if (characters.length >= SHORTEST_RUN && AT_IN_BASE64.test(characters)) {
    for (let phase = 0; phase < 4; phase++) {
      const decoded = Buffer.from(characters.slice(phase), 'base64');
      if (decoded.includes(0x40)) yield decodedFrom(decoded, place, phase, characters.length, [4, 3]);
    }
  }
  if (!AT_IN_HEX.test(characters)) return;
  for (const { 0: digits, index } of characters.matchAll(HEX_RUN)) {
    for (let phase = 0; phase < 2; phase++) {
      const decoded = Buffer.from(digits.slice(phase, digits.length - ((digits.length - phase) % 2)), 'hex');
      if (decoded.includes(0x40)) yield decodedFrom(decoded, place, index + phase, characters.length, [2, 1]);
    }
  }
}

const decodedFrom = (
  decoded: Buffer,
  place: (index: number) => number,
  from: number,
  length: number,
  [characters, bytes]: [number, number],
): Decoded => ({
  bytes: decoded.toString('latin1'),
  // Whole groups, so that what follows stays readable.
  startOf: (byte) => place(from + Math.floor(byte / bytes) * characters),
  endOf: (byte) => place(Math.min(length, from + Math.floor(byte / bytes + 1) * characters) - 1) + 1,
});
