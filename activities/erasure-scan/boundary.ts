// Whether a match is only a part of somebody else's address: `ada@x.org` within `lada@x.org` or `ada@x.org.uk`.
// That is asked in text alone: in binary data, fields lie side by side without anything between them.

/** How much of each side is looked at. A local part has up to 64 characters. */
export const SIDE = 96;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they tell binary data from text.
const BINARY = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const ENCODED_WORD = '(?:[%=]|\\\\+x|\\\\+u00)(?:3\\d|[46][1-9a-f]|[57][\\da])';
const ENCODED = '(?:(?:[%=]|\\\\+x|\\\\+u00)[\\da-f]{2}|\\\\+[nrtbf])';
const SOFT_BREAK = '(?:=[ \\t]*\\r?\\n)*';
const AFTER_WORD = new RegExp(`(?:${ENCODED_WORD}|[a-z\\d\\x80-\\xff])[._+-]*${SOFT_BREAK}$`, 'i');
const AFTER_OTHER = new RegExp(`(?<!${ENCODED_WORD})(?<=${ENCODED})$`, 'i');
const ENCODED_MARK = (hex: string) => `(?:[%=]|\\\\+x|\\\\+u00)${hex}`;
const WORD = `(?:${ENCODED_WORD}|[a-z\\d\\x80-\\xff])`;
const BEFORE_WORD = new RegExp(
  `^${SOFT_BREAK}(?:-|${ENCODED_MARK('2d')})*(?:\\.|${ENCODED_MARK('2e')})?${SOFT_BREAK}${WORD}`,
  'i',
);

/** @param left what stands before it, @param right what stands behind it, each byte a character */
export function isPartOfAnother(left: string, right: string): boolean {
  return continuesLeft(left.slice(-SIDE)) || continuesRight(right.slice(0, SIDE));
}

const continuesLeft = (left: string) => !BINARY.test(left) && AFTER_WORD.test(left) && !AFTER_OTHER.test(left);
const continuesRight = (right: string) => !BINARY.test(right) && BEFORE_WORD.test(right);
