// Whether a match is only a part of somebody else's address: `ada@x.org` within `lada@x.org` or `ada@x.org.uk`.
// Only in text: in binary data, fields lie side by side without anything between them.

/** How much of each side is looked at. A local part has up to 64 characters. */
export const SIDE = 96;

/** @param left what stands before it, @param right what stands behind it, each byte a character */
export type IsPart = (left: string, right: string) => boolean;

export const isPartOfAnother: IsPart = (left, right) =>
  continuesLeft(left.slice(-SIDE)) || continuesRight(right.slice(0, SIDE));

// biome-ignore lint/suspicious/noControlCharactersInRegex: they tell binary data from text, as does what is no UTF-8.
const BINARY = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/;
const LAST_RUN = /[\p{L}\p{Nd}._+-]*$/u;
/** `ada@x.org.pdf` is a file that bears an address. None of these is a top-level domain. */
const FILE_ENDING =
  /^\.(?:txt|csv|tsv|pdf|docx?|xlsx?|pptx?|od[tsp]|rtf|eml|msg|mbox|vcf|ics|html?|json|xml|ya?ml|png|jpe?g|gif|tiff?|svg|log|bak|gz|tar)(?![\p{L}\p{Nd}-]|\.[\p{L}\p{Nd}])/iu;
const FIRST_RUN = /^[\p{L}\p{Nd}.-]*/u;

function continuesLeft(left: string): boolean {
  const text = decoded(left);
  const run = (LAST_RUN.exec(text) as RegExpExecArray)[0];
  return !isUnclear(run, text.at(-run.length - 1)) && /[\p{L}\p{Nd}][._+-]*$/u.test(readable(left));
}

function continuesRight(right: string): boolean {
  const text = decoded(right);
  const run = (FIRST_RUN.exec(text) as RegExpExecArray)[0];
  if (isUnclear(run, text[run.length])) return false;
  const plain = readable(right);
  return /^-*\.?[\p{L}\p{Nd}]/u.test(plain) && !FILE_ENDING.test(plain);
}

/** What runs on to something that is no text, or further than an address can, may be a field of its own. */
function isUnclear(run: string, next: string | undefined): boolean {
  return run.length === SIDE || (next !== undefined && BINARY.test(next));
}

/** Without its escapes, so that the `n` of `\n` and the `20` of `%20` are no letters. */
function readable(side: string): string {
  const bytes = side
    .replace(/=(?:[ \t]*\r?\n|(?:\\+r)?\\+n)/g, '')
    .replace(/(?:[%=]|\\+x)([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\+u([\da-f]{4})/gi, (_, hex) => utf8(String.fromCharCode(Number.parseInt(hex, 16))))
    .replace(/\\+[nrtbf]/g, ' ');
  return decoded(bytes);
}

const decoded = (bytes: string) => Buffer.from(bytes, 'latin1').toString();

/** Each byte a character. */
export const utf8 = (text: string) => Buffer.from(text).toString('latin1');
