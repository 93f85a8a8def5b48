// One address in every encoding that something on its way may give it, for the tests of the scan and of the purgers.
import { domainToASCII } from 'node:url';

export const EMAIL = 'ada.lovelace@example.org';
const ALL = [...EMAIL];
const hex = (character: string) => Buffer.from(character).toString('hex');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const wrapped = (text: string, at: number, end: string) =>
  text.slice(0, at) + end + text.slice(at).replace(/.{76}/g, `$&${end}`);
const LONG = `Dear reader, write to ${EMAIL} and tell her of the engine.`;

/** As text. */
export const SPELLINGS: [name: string, text: string][] = [
  ['plain', EMAIL],
  ['in capitals', EMAIL.toUpperCase()],
  ['in mixed case', 'Ada.Lovelace@Example.ORG'],
  ['percent, the at sign alone', EMAIL.replace('@', '%40')],
  ['percent, partially', EMAIL.replace('@', '%40').replace('.', '%2e')],
  ['percent, whole, small digits', ALL.map((one) => `%${hex(one)}`).join('')],
  ['percent, whole, large digits', ALL.map((one) => `%${hex(one).toUpperCase()}`).join('')],
  ['percent, of capitals', [...EMAIL.toUpperCase()].map((one) => `%${hex(one)}`).join('')],
  ['percent, twice', EMAIL.replace('@', '%2540')],
  ['JSON escapes, the at sign alone', EMAIL.replace('@', '\\u0040')],
  ['JSON escapes, whole', ALL.map((one) => `\\u00${hex(one)}`).join('')],
  ['JSON escapes within JSON', EMAIL.replace('@', '\\\\u0040')],
  ['HTML entity, decimal', EMAIL.replace('@', '&#64;')],
  ['HTML entity, hex', EMAIL.replace('@', '&#x40;')],
  ['HTML entity, by name', EMAIL.replace('@', '&commat;').replace('.', '&period;')],
  ['HTML entities, whole', ALL.map((one) => `&#${one.charCodeAt(0)};`).join('')],
  ['HTML entity, escaped again', EMAIL.replace('@', '&amp;#64;')],
  ['quoted-printable, the at sign', EMAIL.replace('@', '=40')],
  ['quoted-printable, across a soft break', `${EMAIL.slice(0, 7)}=\r\n${EMAIL.slice(7)}`],
  ['quoted-printable, across a soft break at the at sign', EMAIL.replace('@', '=\n@')],
  ['quoted-printable within JSON', `${EMAIL.slice(0, 15)}=\\r\\n${EMAIL.slice(15)}`],
  ['base64', base64(EMAIL)],
  ['base64, one byte before', base64(`<${EMAIL}>`)],
  ['base64, two bytes before', base64(`\n<${EMAIL}>\n`)],
  ['base64 of capitals', base64(`to ${EMAIL.toUpperCase()}!`)],
  ['base64 over lines', wrapped(base64(LONG), 40, '\r\n')],
  ['base64 over lines within JSON', wrapped(base64(LONG), 44, '\\n')],
  ['base64 for URLs', Buffer.from(`>>>???${EMAIL}~~~???`).toString('base64url')],
  ['base64 of UTF-16', Buffer.from(`to ${EMAIL} `, 'utf16le').toString('base64')],
  ['hex', Buffer.from(EMAIL).toString('hex')],
  ['hex of capitals, in capitals', Buffer.from(EMAIL.toUpperCase()).toString('hex').toUpperCase()],
];

/** As bytes that are no text. */
export const BYTES: [name: string, bytes: Buffer][] = [
  ['UTF-16, little-endian', Buffer.from(` ${EMAIL} `, 'utf16le')],
  ['UTF-16, big-endian', Buffer.from(` ${EMAIL} `, 'utf16le').swap16()],
  ['beside other fields of a record', Buffer.from(`\x02\x11draft${EMAIL}sent\0`)],
];

/** Somebody else, each of them. */
export const NEAR_MISSES: [name: string, text: string][] = [
  ['a longer local part', `x${EMAIL}`],
  ['a local part with a word before a dot', `grace.${EMAIL}`],
  ['a local part with a tag before', `grace+${EMAIL}`],
  ['a longer domain', `${EMAIL}.uk`],
  ['a domain that begins like a file’s ending', `${EMAIL}.pdf.example`],
  ['a longer top level', `${EMAIL}anic`],
  ['a longer last label', `${EMAIL}-mail.net`],
  ['another top level', EMAIL.replace('.org', '.com')],
  ['another local part', EMAIL.replace('lovelace', 'lovelaces')],
  ['a longer one, by percent', `%78${EMAIL.replace('@', '%40')}`],
  ['a longer domain, by percent', `${EMAIL}%2Euk`],
  ['a longer domain after a soft break', `${EMAIL}=\r\n.uk`],
  ['a letter beyond ASCII before', `ö${EMAIL}`],
  ['a letter beyond ASCII before, by percent', `%C3%B6${EMAIL}`],
  ['a letter beyond ASCII before, by JSON', `\\u00f6${EMAIL}`],
  ['a longer one in base64', Buffer.from(`to x${EMAIL} now`).toString('base64')],
  ['a longer domain in base64', Buffer.from(`to ${EMAIL}.uk now`).toString('base64')],
  ['a longer one in hex', Buffer.from(`x${EMAIL}`).toString('hex')],
];

/** What stands right before and behind an address without being a part of it. */
export const NEIGHBOURS: [before: string, after: string][] = [
  ['', ''],
  ['"', '"'],
  ['<', '>'],
  ['(', ')'],
  ['mailto:', '?subject=x'],
  ['?to=', '&cc='],
  ['\\n', '\\n'],
  ['%20', '%20'],
  ['%3C', '%3E'],
  ['=3C', '=3E'],
  ['\\u003c', '\\u003e'],
  ['&lt;', '&gt;'],
  ['- ', '. The next sentence'],
  ['-', '.'],
  ['...', ', and'],
  ['/', '.pdf'],
  ['letter to ', '.docx.'],
  ['“', '”'],
  ['%E2%80%9C', '%E2%80%9D'],
  ['\\u201c', '\\u201d'],
  ['\u00a0', '…'],
];

export const IDN = { email: `ada@${domainToASCII('bücher-łódź.example')}`, unicode: 'ada@bücher-łódź.example' };
