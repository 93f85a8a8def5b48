// Writes the header fields that carry what was approved, so that every reader reads just that. A library can't: it takes a subject
// that looks encoded for an encoded one, and folds where some readers lose spaces.
import { encodeWord, foldLines, quoteString } from 'nodemailer/lib/mime-funcs';

/** A line with encoded words has 76 columns at most, any other should have 78 (RFC 2047, 2; RFC 5322, 2.1.1). */
const WIDTH = 76;
const ENCODED_WORD = 52;
/** Lines are folded at spaces only, so a longer word might not fit beside the name of its field. */
const LONGEST_WORD = 60;
/** Of a parameter in sections, without the name. */
const SECTION = 50;

/** Returns a field, folded, without the end of its last line. */
export const field = (name: string, value: string): string => foldLines(`${name}: ${toLine(value)}`, WIDTH);

/** Returns a text as it is if every reader reads it so, else as encoded words (RFC 2047). */
export function encodeText(text: string): string {
  const line = toLine(text);
  return isPlain(line) ? line : encodeWords(line);
}

/** Returns an address with its owner's name, which may be empty. */
export function encodeMailbox(name: string, address: string): string {
  const line = toLine(name);
  if (line.trim() === '') return address;
  return `${isPlain(line) ? quoteString(line) : encodeWords(line)} <${address}>`;
}

/** Returns a parameter: quoted if every reader reads it so, else in sections (RFC 2231). */
export function encodeParameter(name: string, value: string): string {
  const line = toLine(value);
  if (fitsQuotes(line)) return `${name}="${line}"`;
  return sectionsOf(line)
    .map((section, i) => `${name}*${i}*=${i === 0 ? "utf-8''" : ''}${section}`)
    .join('; ');
}

/** Returns a parameter for readers that know no sections. They decode words in quotes, which no standard asks for. */
export function encodeOldParameter(name: string, value: string): string {
  const line = toLine(value);
  return `${name}="${fitsQuotes(line) ? line : encodeWords(line)}"`;
}

/** Nothing of it can end the line. */
const toLine = (text: string) => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');

/** Printable ASCII, one space between words, and nothing that looks like an encoded word. */
function isPlain(line: string): boolean {
  const isWord = (word: string) => /^[!-~]+$/.test(word) && word.length <= LONGEST_WORD;
  return !line.includes('=?') && line.split(' ').every(isWord);
}

const fitsQuotes = (line: string) => isPlain(line) && line.length <= LONGEST_WORD && !/["\\]/.test(line);

const encodeWords = (line: string) => encodeWord(line, /^[ -~]*$/.test(line) ? 'Q' : 'B', ENCODED_WORD);

function sectionsOf(line: string): string[] {
  const sections = [''];
  for (const character of line) {
    const encoded = percentEncode(character);
    if ((sections.at(-1) as string).length + encoded.length > SECTION) sections.push('');
    sections[sections.length - 1] += encoded;
  }
  return sections;
}

function percentEncode(character: string): string {
  if (/^[\w.~-]$/.test(character)) return character;
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
