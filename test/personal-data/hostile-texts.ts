// Texts that make a careless search slow: what escapes, encodes or surrounds an at sign, over and over. Bytes of UTF-8, each a
// character.
type TextOf = (bytes: number) => string;

const repeated =
  (unit: string): TextOf =>
  (bytes) =>
    unit.repeat(Math.ceil(bytes / unit.length)).slice(0, bytes);
const between =
  (before: string, unit: string, after: string): TextOf =>
  (bytes) =>
    before + repeated(unit)(bytes) + after;
const encoded =
  (encoding: 'base64' | 'hex', text: TextOf): TextOf =>
  (bytes) =>
    Buffer.from(text(Math.floor(encoding === 'hex' ? bytes / 2 : (bytes * 3) / 4)), 'latin1').toString(encoding);
const utf8 = (text: string) => Buffer.from(text).toString('latin1');

export const HOSTILE_TEXTS: [name: string, textOf: TextOf][] = [
  ['backslashes', repeated('\\')],
  ['backslashes before a letter', between('', '\\', 'u0040')],
  ['escaped at signs of JavaScript', repeated('a\\u0040b.c')],
  ['at signs of JavaScript in braces', repeated('\\u{0000040}')],
  ['zeros in braces', between('\\u{', '0', '40}')],
  ['half characters', repeated('\\ud83d')],
  ['halves of a character far apart', between('\\ud83d', '\\', 'ude00')],
  ['escaped characters of two halves', repeated('\\ud83d\\ude00@a.b')],
  ['percent signs', repeated('%')],
  ['one percent sign, escaped again and again', between('%', '25', '40')],
  ['at signs escaped for URLs, four times', repeated('%25252540')],
  ['at signs with an escaped dot behind', repeated('a@b%2Ec')],
  ['one ampersand, escaped again and again', between('&', 'amp;', '#64;')],
  ['ampersands, escaped eight times', repeated('&amp;amp;amp;amp;amp;amp;amp;amp;#64;')],
  ['an entity of zeros', between('&#', '0', '64;')],
  ['entities that end too early', repeated('&#0000000')],
  ['at signs of HTML', repeated('a&#64;b.c')],
  ['at signs beside at signs of HTML', repeated('@&#64;')],
  ['equals signs', repeated('=')],
  ['at signs of quoted-printable', repeated('a=40b.c')],
  ['soft line breaks before at signs', repeated('=\n@')],
  ['soft line breaks that do not end', repeated(`=${' '.repeat(5_000)}`)],
  ['at signs', repeated('@')],
  ['at signs with dots', repeated('.@')],
  ['short addresses without an end', repeated('a@b.')],
  ['a local part without an end', between('', 'x', '@a.b')],
  ['a domain without an end', between('a@', 'x.', '')],
  ['addresses behind many delimiters', repeated('a/b/c/d/e@f.g')],
  ['delimiters', between('', '!#$%&*/=?^`{|}~', '@a.b')],
  ['dots', between('', '.', '@a.b')],
  ['apostrophes', between('', "'", '@a.b')],
  ['quotation marks', repeated('"@"')],
  ['endings of files', repeated('a@b.c.pdf.pdf')],
  ['scripts without spaces', repeated(utf8('漢@漢.漢'))],
  ['domains beyond ASCII', repeated(utf8(`a@${'ö'.repeat(60)}.${'ü'.repeat(60)} `))],
  ['bytes that are no UTF-8', repeated('\xf0\x9f@\xf0.\x9f')],
  ['base64 of at signs', encoded('base64', repeated('@'))],
  ['base64 of addresses', encoded('base64', repeated('a@b.c'))],
  ['base64 of base64 of base64', encoded('base64', encoded('base64', encoded('base64', repeated('a@b.c '))))],
  ['base64 of hex', encoded('base64', encoded('hex', repeated('a@b.c ')))],
  ['base64 of UTF-16', encoded('base64', repeated('a\0@\0b\0.\0c\0'))],
  ['base64 of escapes', encoded('base64', repeated('a%40b.c '))],
  ['short lines of base64', repeated('QUFBQUFB\n')],
  ['lines of base64 in JSON', repeated(`QUFBQUFB${'\\'.repeat(100)}r${'\\'.repeat(100)}n`)],
  ['base64 before backslashes', between('QUFBQUFB', '\\', '')],
  ['escaped signs of base64', repeated('QGFA%2BQGFA\\/')],
  ['hex of addresses', encoded('hex', repeated('a@b.c '))],
  ['hex of hex', encoded('hex', encoded('hex', repeated('a@b.c ')))],
  ['UTF-16 of at signs', repeated('@\0')],
  ['UTF-16 of addresses', repeated('a\0@\0b\0.\0c\0')],
  ['zeros beside at signs', repeated('@\0\0')],
  ['everything at once', repeated('&amp;%2540=3D40\\u0040@=\n')],
];
