// Whether a match is only a part of somebody else's address: `ada@x.org` within `lada@x.org` or `ada@x.org.uk`.
// Only in text: in binary data, fields lie side by side without anything between them.

/** How much of each side is looked at. A local part has up to 64 characters. */
export const SIDE = 96;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they tell binary data from text.
const BINARY = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const LAST_RUN = /[a-z\d\x80-\xff._+-]*$/i;
const FIRST_RUN = /^[a-z\d\x80-\xff.-]*/i;
const ENCODED_WORD = '(?:[%=]|\\\\+x|\\\\+u00)(?:3\\d|[46][1-9a-f]|[57][\\da])';
const ENCODED = '(?:(?:[%=]|\\\\+x|\\\\+u00)[\\da-f]{2}|\\\\+[nrtbf])';
const SOFT_BREAK = '(?:=(?:[ \\t]*\\r?\\n|(?:\\\\+r)?\\\\+n))*';
const AFTER_WORD = new RegExp(`(?:${ENCODED_WORD}|[a-z\\d\\x80-\\xff])[._+-]*${SOFT_BREAK}$`, 'i');
const AFTER_OTHER = new RegExp(`(?<!${ENCODED_WORD})(?<=${ENCODED})$`, 'i');
const ENCODED_MARK = (hex: string) => `(?:[%=]|\\\\+x|\\\\+u00)${hex}`;
const WORD = `(?:${ENCODED_WORD}|[a-z\\d\\x80-\\xff])`;
const BEFORE_WORD = new RegExp(
  `^${SOFT_BREAK}(?:-|${ENCODED_MARK('2d')})*(?:\\.|${ENCODED_MARK('2e')})?${SOFT_BREAK}${WORD}`,
  'i',
);

/** @param left what stands before it, @param right what stands behind it, each byte a character */
export type IsPart = (left: string, right: string) => boolean;

export const isPartOfAnother: IsPart = (left, right) =>
  continuesLeft(left.slice(-SIDE)) || continuesRight(right.slice(0, SIDE));

function continuesLeft(left: string): boolean {
  const run = (LAST_RUN.exec(left) as RegExpExecArray)[0];
  return !isUnclear(run, left.at(-run.length - 1)) && AFTER_WORD.test(left) && !AFTER_OTHER.test(left);
}

function continuesRight(right: string): boolean {
  const run = (FIRST_RUN.exec(right) as RegExpExecArray)[0];
  return !isUnclear(run, right[run.length]) && BEFORE_WORD.test(right);
}

/** What runs on to something that is no text, or further than an address can, may be a field of its own. */
function isUnclear(run: string, next: string | undefined): boolean {
  return run.length === SIDE || (next !== undefined && BINARY.test(next));
}
