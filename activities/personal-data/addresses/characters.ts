// Classifies the characters around an at sign: what an address is made of, and what only stands beside it.

/** A letter, a digit, a mark or `_`: never the edge of a local part. */
export const WORD = 1;
/** Joins words of a local part (`o'brien`, `ada+news`); punctuation where no word stands before it. */
export const TIE = 2;
/** Allowed in a local part, but in text it mostly separates (`?to=ada@…`, `team/ada@…`). */
export const DELIMITER = 3;
/** A letter of a script that is written without spaces: it touches an address without being a part of it. */
export const UNSPACED = 4;

const TIES = ".+-'";
const DELIMITERS = '!#$%&*/=?^`{|}~';
const LETTER = /[\p{L}\p{M}\p{N}]/u;
const UNSPACED_SCRIPT =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

const ASCII = Uint8Array.from({ length: 128 }, (_, code) => kindOfCharacter(String.fromCharCode(code)));

/** Returns the kind of a UTF-16 unit; 0 where it belongs to no address. */
export const kindOf = (code: number): number =>
  code < 128 ? (ASCII[code] as number) : kindOfCharacter(String.fromCharCode(code));

function kindOfCharacter(character: string): number {
  if (character === '_') return WORD;
  if (TIES.includes(character)) return TIE;
  if (DELIMITERS.includes(character)) return DELIMITER;
  if (UNSPACED_SCRIPT.test(character)) return UNSPACED;
  return LETTER.test(character) ? WORD : 0;
}

/** Of a byte of UTF-8; what is no ASCII may be a letter. */
export const BYTE_IN_LOCAL = Uint8Array.from({ length: 256 }, (_, byte) => (byte > 127 || kindOf(byte) > 0 ? 1 : 0));
export const BYTE_IN_DOMAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > 127 || /[a-z0-9.-]/i.test(String.fromCharCode(byte)) ? 1 : 0,
);
