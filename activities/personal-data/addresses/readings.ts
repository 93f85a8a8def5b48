// Reads which addresses an at sign may belong to. The rule and its examples: docs/gdpr.md, "What is an address in a text".
import { normaliseAddress } from '../subject';
import { DELIMITER, kindOf, TIE, UNSPACED, WORD } from './characters';

/** One address, in its normal form, and where it stands in UTF-16 units. */
export interface Reading {
  address: string;
  start: number;
  end: number;
}

/** RFC 5321, 4.5.3.1. */
export const LONGEST_LOCAL = 64;
export const LONGEST_DOMAIN = 255;
/** Of a run such as `a/b/c/ada@`, so many ends are read as local parts: a bound for each at sign. */
const MOST_DELIMITERS = 4;
/** A file may be called after an address; none of these is a top-level domain. */
const FILE_ENDING =
  /\.(?:txt|csv|tsv|pdf|docx?|xlsx?|pptx?|od[tsp]|rtf|eml|msg|mbox|vcf|ics|html?|json|xml|ya?ml|png|jpe?g|gif|tiff?|svg|log|bak|gz|tar)$/i;

/** @param after what follows a domain */
export const hasFileEnding = (after: string): boolean =>
  FILE_ENDING.test((/^[\p{L}\p{N}.-]*/u.exec(after)?.[0] ?? '').replace(/[.-]+$/, ''));

/** Returns every reading of what surrounds the at sign at `at`; none where it belongs to no address. */
export function readingsAt(text: string, at: number): Reading[] {
  const ends = domainEnds(text, at);
  if (ends.length === 0) return [];
  return localStarts(text, at).flatMap((start) =>
    ends.map((end) => ({ address: normal(text.slice(start, at), text.slice(at + 1, end)), start, end })),
  );
}

/** The whole run, and what follows each of its last delimiters: each as it is, and without leading ties. */
function localStarts(text: string, at: number): number[] {
  const starts = new Set<number>();
  const add = (from: number) => {
    let start = from;
    while (start < at && kindOf(text.charCodeAt(start)) === TIE) start++;
    for (const one of text[from] === '.' ? [start] : [from, start]) {
      if (one < at && at - one <= LONGEST_LOCAL) starts.add(one);
    }
  };
  if (text[at - 1] === '.') return [];
  let start = at;
  for (let delimiters = 0; start > 0 && at - start <= LONGEST_LOCAL; start--) {
    const kind = kindOf(text.charCodeAt(start - 1));
    if (kind === 0 || (text[start - 1] === '.' && text[start] === '.')) break;
    if ((kind === DELIMITER || kind === UNSPACED) && delimiters++ < MOST_DELIMITERS) add(start);
  }
  add(start);
  return [...starts];
}

/** The longest domain, and where it ends if a file's ending or a script without spaces follows. */
function domainEnds(text: string, at: number): number[] {
  const ends = new Set<number>();
  let end = -1;
  for (let i = at + 1; i < text.length && i - at <= LONGEST_DOMAIN; i++) {
    const isAfterLetter = end === i;
    const character = text[i] as string;
    if (character === '.') {
      if (!isAfterLetter) break;
    } else if (character === '-') {
      if (end === -1 || text[i - 1] === '.') break;
    } else {
      const kind = kindOf(text.charCodeAt(i));
      if ((kind !== WORD && kind !== UNSPACED) || character === '_') break;
      if (kind === UNSPACED && isAfterLetter && kindOf(text.charCodeAt(i - 1)) === WORD) ends.add(i);
      end = i + 1;
    }
  }
  if (end === -1) return [];
  ends.add(end);
  const ending = FILE_ENDING.exec(text.slice(at + 1, end));
  if (ending) ends.add(at + 1 + ending.index);
  return [...ends].filter((one) => text.slice(at + 1, one).includes('.'));
}

const PLAIN_DOMAIN = /^[a-z0-9.-]*[a-z][a-z0-9-]*$/i;

/** The same as `normaliseAddress`, without asking for the domain's ASCII form where it has one. */
const normal = (local: string, domain: string): string =>
  PLAIN_DOMAIN.test(domain) ? `${local}@${domain}`.toLowerCase() : normaliseAddress(`${local}@${domain}`);
