// Cleans the names of files that people send us.

const LONGEST = 255;
/** Control characters, and those that turn the direction of text and so can hide what a file is. */
const UNSEEN = /[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** The base name, in Unicode's composed form, without what can't be seen; a name that is too long keeps its extension. */
export function cleanFileName(given: string | undefined): string {
  const base = (given ?? '').split(/[/\\]/).at(-1) ?? '';
  // A round trip replaces halves of characters, which no UTF-8 can hold.
  const name = Buffer.from(base).toString().normalize('NFC').replace(UNSEEN, '').trim();
  if (/^\.*$/.test(name)) return 'attachment';
  const letters = [...name];
  if (letters.length <= LONGEST) return name;
  const extension = [...(/\.[^.\s]{1,16}$/.exec(name)?.[0] ?? '')];
  return [...letters.slice(0, LONGEST - extension.length), ...extension].join('');
}
