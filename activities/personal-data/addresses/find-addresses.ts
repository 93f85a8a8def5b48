// Finds the addresses in a text, however they are spelled, in time linear in its length: it looks for at signs and their
// spellings, reads what surrounds each of them once, and decodes only what lies beside a spelling or in a run of base64 or hex.
import { BREAKS_RUN, type Decoded, decodingsOf, IN_RUN, mayHoldAt, readRun, SHORTEST_RUN } from './encoded';
import { isCut, stretchesAround, stretchesOf } from './stretches';
import { STARTS_ESCAPE, type Visit, visitAt } from './surroundings';
import { type View, viewsOf } from './views';
import type { IsWanted } from './wanted-domains';

/** Encodings within encodings. */
const DEEPEST = 2;
/** At the at sign or shortly before it: it is spelled, itself perhaps escaped once more. */
const SPELLED_AT =
  /(?:[%=](?:25){0,8}(?:3[dD])?40|(?:&|[%=](?:25){0,8}26|\\(?:u00|x)26)(?:amp;){0,8}(?:(?:#|[%=](?:25){0,8}23)(?:0{0,8}64|[xX]0{0,8}40)|commat)|(?:\\|[%=](?:25){0,8}5[cC])(?:u0040|u\{0{0,8}40|x40))/y;

const AT = 0x40;
// In this file's own constants: the loop below reads them for each byte, and an import is a property of its module.
const inRun = IN_RUN;
const startsEscape = STARTS_ESCAPE;
const breaksRun = BREAKS_RUN;

export interface Search {
  /** Addresses with other domains may be left out. */
  isWanted?: IsWanted | undefined;
  /** In how many encodings the text lay. */
  depth?: number;
}

/** @param text bytes of UTF-8, each a character (`latin1`) */
export function findAddresses(text: string, visit: Visit, { isWanted, depth = 0 }: Search = {}): void {
  // Reading these is much faster than reading characters of a string.
  const bytes = Buffer.from(text, 'latin1');
  const spelled: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (inRun[byte] === 1) {
      let end = i + 1;
      while (inRun[bytes[end] as number] === 1) end++;
      const isBroken = breaksRun[bytes[end] as number] === 1;
      if (end - i >= SHORTEST_RUN && depth < DEEPEST && (isBroken || mayHoldAt(text.slice(i, end)))) {
        const run = readRun(text, i, end);
        for (const decoded of decodingsOf(run)) visitDecoded(decoded, visit, { isWanted, depth: depth + 1 });
        // What breaks it may spell an at sign.
        for (; end < run.end; end++) if (isSpelledAt(text, end)) spelled.push(end);
      }
      i = end - 1;
    } else if (byte === AT) {
      if (visitAt(text, i, visit, isWanted)) spelled.push(i);
    } else if (startsEscape[byte] === 1 && isSpelledAt(text, i)) {
      spelled.push(i);
    }
  }
  visitSpelled(text, spelled, visit, isWanted);
}

function visitDecoded({ bytes, startOf, endOf }: Decoded, visit: Visit, search: Search): void {
  for (const stretch of stretchesOf(bytes)) {
    const { from, to } = stretch;
    findAddresses(
      bytes.slice(from, to),
      ({ address, at, start, end }) => {
        if (isCut({ start: from + start, end: from + end }, stretch, bytes.length)) return;
        visit({ address, at: startOf(from + at), start: startOf(from + start), end: endOf(from + end - 1) });
      },
      search,
    );
  }
}

function isSpelledAt(text: string, at: number): boolean {
  SPELLED_AT.lastIndex = at;
  return SPELLED_AT.test(text);
}

/** Undoes the escapes around these positions, of each stretch once, and reads the at signs that are there then. */
function visitSpelled(text: string, positions: readonly number[], visit: Visit, isWanted?: IsWanted): void {
  for (const stretch of stretchesAround(positions, text)) {
    const { from, to } = stretch;
    for (const view of viewsOf(text.slice(from, to))) {
      const visitWhole: Visit = ({ address, at, start, end }) => {
        const found = { address, at: from + at, start: from + start, end: from + end };
        if (!isCut(found, stretch, text.length)) visit(found);
      };
      visitView(view, visitWhole, isWanted);
    }
  }
}

function visitView({ text, starts, ends }: View, visit: Visit, isWanted?: IsWanted): void {
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const visitPlace: Visit = ({ address, at: sign, start, end }) =>
      visit({
        address,
        at: starts[sign] as number,
        start: starts[start] as number,
        end: ends[end - 1] as number,
      });
    visitAt(text, at, visitPlace, isWanted);
  }
}
