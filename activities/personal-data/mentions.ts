// Tells where a text mentions a person by their address, however it is spelled, and takes the mention out. Purge, export,
// replay and scan all ask this one module, so that what the one finds the other finds.
import { findAddresses } from './addresses/find-addresses';
import { normaliseAddress } from './subject';

export const ERASED = '[erased]';
/** Without a mention, the text around it may show another: `a[erased]` is none, so this is a safeguard with an end. */
const MOST_ROUNDS = 8;

/** A part of a text, in UTF-16 units. */
export interface Span {
  start: number;
  end: number;
}

export interface Mentions {
  isIn(text: string): boolean;
  /** In their order; none overlaps another. */
  find(text: string): Span[];
  replace(text: string): { text: string; count: number };
}

/** Returns every address that the text mentions, in its normal form. */
export function addressesIn(text: string): Set<string> {
  const found = new Set<string>();
  findAddresses(bytesOf(text), ({ address }) => found.add(address));
  return found;
}

export function mentionsOf(email: string): Mentions {
  const normal = normaliseAddress(email);

  function find(text: string): Span[] {
    const bytes = bytesOf(text);
    const spans: Span[] = [];
    findAddresses(bytes, ({ address, start, end }) => {
      if (address === normal) spans.push({ start, end });
    });
    return spans.length === 0 ? [] : inUnits(merge(spans), text, bytes);
  }

  return {
    find,
    isIn: (text) => find(text).length > 0,
    replace(given) {
      let [text, count] = [given, 0];
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const spans = find(text);
        if (spans.length === 0) break;
        text = cutOut(text, spans);
        count += spans.length;
      }
      return { text, count };
    },
  };
}

/** In a name (of a key, an object, a file) an address is made a part of something else. @param email in its normal form */
export function isInName(name: string, email: string): boolean {
  const small = name.toLowerCase();
  return small.includes(email) || small.includes(encodeURIComponent(email).toLowerCase());
}

const bytesOf = (text: string): string => Buffer.from(text).toString('latin1');

function cutOut(text: string, spans: Span[]): string {
  const kept = spans.map(({ start }, n) => text.slice(spans[n - 1]?.end ?? 0, start) + ERASED);
  return kept.join('') + text.slice(spans.at(-1)?.end ?? 0);
}

function merge(spans: Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
    else merged.push({ ...span });
  }
  return merged;
}

/** From positions of bytes to those of the text. */
function inUnits(spans: Span[], text: string, bytes: string): Span[] {
  if (bytes.length === text.length) return spans;
  let [at, unit] = [0, 0];
  const unitAt = (byte: number) => {
    unit += Buffer.from(bytes.slice(at, byte), 'latin1').toString().length;
    at = byte;
    return unit;
  };
  return spans.map(({ start, end }) => ({ start: unitAt(start), end: unitAt(end) }));
}
