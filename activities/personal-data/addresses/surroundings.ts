// Reads what surrounds one at sign in bytes: how far a local part and a domain may reach, in UTF-8 or in UTF-16.
import { BYTE_IN_DOMAIN, BYTE_IN_LOCAL, kindOf } from './characters';
import { withoutEscapes } from './escapes';
import { hasFileEnding, LONGEST_DOMAIN, LONGEST_LOCAL, readingsAt } from './readings';
import type { IsWanted } from './wanted-domains';

/** Positions are of bytes. */
export interface Found {
  /** In its normal form. */
  address: string;
  /** Of the at sign, or of what spells it. */
  at: number;
  start: number;
  end: number;
}

export type Visit = (found: Found) => void;

export const STARTS_ESCAPE = Uint8Array.from({ length: 256 }, (_, byte) =>
  '%=&\\'.includes(String.fromCharCode(byte)) ? 1 : 0,
);
const ENDS_ESCAPE = ';\n\\';
const ESCAPE_WITHIN = /[%=][\da-f]{2}|&[#a-z]/i;
const ESCAPE_BEFORE = /(?:&[#a-z][\da-z]{0,9};|=[ \t]*\r?\n).$|\\[nrtbfvux]$/is;
const ESCAPE_AFTER = /^(?:[%=][\da-f]{2}|=[ \t]*[\r\n\\]|&[#a-z]|\\+[nrux])/i;
const ALL_ESCAPES = { percent: true, quotedPrintable: true };
/** Longer than any escape. */
const BESIDE = 48;
const DOT = 0x2e;
const [inLocal, inDomain] = [BYTE_IN_LOCAL, BYTE_IN_DOMAIN];
/** A local part of letters that have four bytes each. */
const LONGEST_LOCAL_BYTES = 4 * LONGEST_LOCAL;

/** Addresses with an unwanted domain need not be visited, and may not be.
 *  @returns whether escapes touch what surrounds it, so that it has to be read without them too */
export function visitAt(text: string, at: number, visit: Visit, isWanted?: IsWanted): boolean {
  if (text[at + 1] === '\0' || text[at - 1] === '\0') return visitWide(text, at, visit);
  const end = domainEnd(text, at);
  if (end === -1) return false;
  const after = text.slice(at + 1, end);
  const isEscapedAfter = isEscapedAt(text, end);
  if (isWanted && !isEscapedAfter && !isWanted(after)) return false;
  let start = at;
  while (start > 0 && at - start <= LONGEST_LOCAL_BYTES && inLocal[text.charCodeAt(start - 1)] === 1) start--;
  const before = text.slice(start, at);
  const isEscapedBefore =
    ESCAPE_WITHIN.test(before) ||
    (ENDS_ESCAPE.includes(text[start - 1] ?? ' ') &&
      ESCAPE_BEFORE.test(text.slice(Math.max(0, start - BESIDE), start + 1)));
  const isPart = (isEscapedAfter && goesOn(text, end)) || (isEscapedBefore && isJoined(text, start));
  if (!isPart && after.includes('.') && start < at) visitReadings(before, after, at, visit);
  return isEscapedBefore || isEscapedAfter;
}

/** Where a domain behind the at sign may end, with an escape or after a dot; -1 where chance alone has put it there. */
export function domainEnd(text: string, at: number): number {
  let end = at + 1;
  let [hasDot, isAscii] = [false, true];
  for (; end < text.length && end - at <= LONGEST_DOMAIN; end++) {
    const code = text.charCodeAt(end);
    if (inDomain[code] === 0) break;
    hasDot ||= code === DOT;
    isAscii &&= code < 128;
  }
  // What is no UTF-8 ends it.
  if (hasDot && !isAscii) hasDot = (utf8(text.slice(at + 1, end)).split('\ufffd')[0] as string).includes('.');
  return hasDot || isEscapedAt(text, end) ? end : -1;
}

const isEscapedAt = (text: string, end: number) =>
  STARTS_ESCAPE[text.charCodeAt(end)] === 1 && ESCAPE_AFTER.test(text.slice(end, end + BESIDE));

function visitReadings(before: string, after: string, at: number, visit: Visit): void {
  const [left, right] = [utf8(before), utf8(after)];
  for (const { address, start, end } of readingsAt(`${left}@${right}`, left.length)) {
    const startByte = at - Buffer.byteLength(left.slice(start));
    const endByte = at + 1 + Buffer.byteLength(right.slice(0, end - left.length - 1));
    visit({ address, at, start: startByte, end: endByte });
  }
}

/** An escape behind it makes its domain longer: `ada@x.org%2Euk`. */
function goesOn(text: string, end: number): boolean {
  const beside = text.slice(end, end + BESIDE);
  // `=42` is a letter only in quoted-printable, and otherwise what a name equals.
  if (beside[0] === '=' && !/^=(?:2[dDeE]|[ \t]*[\r\n\\])/.test(beside)) return false;
  const plain = withoutEscapes(beside, ALL_ESCAPES);
  if (plain === null) return false;
  const after = utf8(plain);
  return /^-*\.?[\p{L}\p{N}]/u.test(after) && !hasFileEnding(after);
}

/** What is escaped before it, or a line that goes on, may make its local part longer: `o&#39;brien@`, `x=\r\nada@`. */
function isJoined(text: string, start: number): boolean {
  if (text[start - 1] !== ';' && text[start - 1] !== '\n') return false;
  const plain = withoutEscapes(text.slice(Math.max(0, start - BESIDE), start), ALL_ESCAPES);
  const last = plain && utf8(plain).at(-1);
  return last ? kindOf(last.charCodeAt(0)) > 0 : false;
}

/** UTF-16 in either byte order, in which a zero stands beside each letter of ASCII. */
function visitWide(text: string, at: number, visit: Visit): boolean {
  for (const high of [1, -1]) {
    const unit = (low: number) => text.charCodeAt(low) | (text.charCodeAt(low + high) << 8);
    if (unit(at) !== 0x40) continue;
    let [left, right] = ['', ''];
    for (let low = at - 2; low >= 0 && left.length <= LONGEST_LOCAL && kindOf(unit(low)) > 0; low -= 2) {
      left = String.fromCharCode(unit(low)) + left;
    }
    for (let low = at + 2; low < text.length && right.length <= LONGEST_DOMAIN && isInDomain(unit(low)); low += 2) {
      right += String.fromCharCode(unit(low));
    }
    for (const { address, start, end } of readingsAt(`${left}@${right}`, left.length)) {
      visit({
        address,
        at,
        start: at - 2 * (left.length - start),
        end: Math.min(text.length, at + 2 * (end - left.length)),
      });
    }
  }
  return false;
}

const isInDomain = (code: number) => (code < 128 ? BYTE_IN_DOMAIN[code] === 1 : kindOf(code) > 0);
const utf8 = (bytes: string) => (/^[\0-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString());
