// Names of files that people send us, and how we send them back.

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

/** A download with its name in both ways of RFC 6266: for every client, and as it is. */
export function contentDisposition(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
