// One address as patterns over bytes, each byte a character: written plainly or with any of its characters escaped, in
// UTF-16, in hex. The at sign comes first, since it is rare, and what stands before it is looked back at.
import { casesOf, formsOf } from './address-forms';
import { type IsPart, SIDE, utf8 } from './boundary';

export interface Pattern {
  /** Positions in `text` where the address is, unless it is but a part of another. */
  find(text: string, isPart: IsPart): number[];
}

/** A line that goes on, in quoted-printable, as it is or within JSON. */
const SOFT_BREAK = '(?:=(?:[ \\t]*\\r?\\n|(?:\\\\+r)?\\\\+n))?';
const NAMED: Record<string, string> = { '@': 'commat', '.': 'period', '+': 'plus', _: 'lowbar' };

export function patternsOf(email: string): Pattern[] {
  const forms = formsOf(email);
  return [
    ...forms.map(({ local, domain }) =>
      aroundAt(escapable(local), escapable('@'), escapable(domain), SOFT_BREAK, plain),
    ),
    ...forms.map(({ local, domain }) => aroundAt(utf16(local), utf16('@'), utf16(domain), '', wide)),
    ...forms.map(({ local, domain }) => hexPattern(`${local}@${domain}`)),
  ];
}

function aroundAt(local: string[], at: string[], domain: string[], between: string, side: Side): Pattern {
  const before = new RegExp(`(?<=(${local.map((one) => one + between).join('')}))`, 'iy');
  // Not one pattern with `before`: it would be looked for at each character of the text.
  const pattern = new RegExp(`${at.join('')}${between}${domain.join(between)}`, 'gi');
  return {
    find(text, isPart) {
      const found: number[] = [];
      for (const match of text.matchAll(pattern)) {
        before.lastIndex = match.index;
        const part = before.exec(text)?.[1];
        if (part === undefined) continue;
        const start = match.index - part.length;
        const end = match.index + match[0].length;
        if (!isPart(side.left(text, start), side.right(text, end))) found.push(match.index);
      }
      return found;
    },
  };
}

/** Each character as a pattern of all its spellings. */
function escapable(word: string): string[] {
  return [...word].map((character) => {
    const spellings = casesOf(character).flatMap((one) => {
      const code = one.codePointAt(0) as number;
      const bytes = [...Buffer.from(one)].map(hexOf);
      const named = NAMED[one] ? [`&(?:amp;)*${NAMED[one]};?`] : [];
      return [
        bytes.map((byte) => `(?:\\x${byte}|%(?:25)*${byte}|=${byte}|\\\\+x${byte})`).join(SOFT_BREAK),
        `&(?:amp;)*#(?:0*${code}|x0*${code.toString(16)});?`,
        ...surrogates(one).map((unit) => `\\\\+u\\{?0*${unit}\\}?`),
        ...named,
      ];
    });
    return `(?:${[...new Set(spellings)].join('|')})`;
  });
}

const surrogates = (character: string) => {
  const units = Array.from({ length: character.length }, (_, n) => character.charCodeAt(n).toString(16));
  return units.length === 1 ? units : [units.join('\\\\+u')];
};

/** In either byte order where all are of Latin-1, since the zeros stand between; else little-endian. */
function utf16(word: string): string[] {
  return [...word].map((character) => {
    const cases = casesOf(character).map((one) => [...Buffer.from(one, 'utf16le')].map((byte) => `\\x${hexOf(byte)}`));
    return `(?:${cases.map((bytes) => bytes.join('').replace(/\\x00$/, '(?:\\x00|$)')).join('|')})`;
  });
}

function hexPattern(address: string): Pattern {
  const digits = [...address].map((character) => {
    const cases = casesOf(character).map((one) => Buffer.from(one).toString('hex'));
    return `(?:${cases.join('|')})`;
  });
  const pattern = new RegExp(digits.join(''), 'gi');
  return {
    find(text, isPart) {
      return [...text.matchAll(pattern)]
        .filter(({ index, 0: { length } }) => {
          const before = /(?:[\da-f]{2})*$/i.exec(text.slice(Math.max(0, index - 2 * SIDE), index)) as RegExpExecArray;
          const after = /^(?:[\da-f]{2})*/i.exec(text.slice(index + length, index + length + 2 * SIDE));
          return !isPart(fromHex(before[0]), fromHex(after?.[0] ?? ''));
        })
        .map(({ index }) => index);
    },
  };
}

/** How to read what stands beside a match. */
export interface Side {
  left(text: string, start: number): string;
  right(text: string, end: number): string;
}
export const plain: Side = {
  left: (text, start) => text.slice(Math.max(0, start - SIDE), start),
  right: (text, end) => text.slice(end, end + SIDE),
};
/** Its characters without the zeros between them, as far as they go. */
export const wide: Side = {
  left: (text, start) => narrow(/(?:[^\0]\0)*$/.exec(text.slice(Math.max(0, start - 2 * SIDE), start))),
  right: (text, end) => narrow(/^(?:[^\0]\0)*[^\0]?/.exec(text.slice(end, end + 2 * SIDE))),
};
const narrow = (match: RegExpExecArray | null) => utf8((match?.[0] ?? '').replaceAll('\0', ''));

const fromHex = (hex: string) => Buffer.from(hex, 'hex').toString('latin1');
const hexOf = (byte: number) => byte.toString(16).padStart(2, '0');
