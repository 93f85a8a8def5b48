// Finds the addresses in a text, however they are spelled, in time linear in its length: it looks for at signs and their
// spellings, reads what surrounds each of them once, and decodes only what lies beside a spelling or in a run of base64 or hex.
import { type Decoded, decodingsOf, IN_RUN, readRun, SHORTEST_RUN } from './encoded';
import { STARTS_ESCAPE, type Visit, visitAt } from './surroundings';
import { type View, viewsOf } from './views';

/** How far from a spelled at sign a spelled address reaches. */
export const REACH = 2_048;
/** Encodings within encodings. */
const DEEPEST = 2;
/** At the at sign or shortly before it: it is spelled, itself perhaps escaped once more. */
const SPELLED_AT =
  /(?:[%=](?:25){0,8}(?:3[dD])?40|(?:&|[%=](?:25){0,8}26|\\(?:u00|x)26)(?:amp;){0,8}(?:(?:#|[%=](?:25){0,8}23)(?:0{0,8}64|[xX]0{0,8}40)|commat)|(?:\\|[%=](?:25){0,8}5[cC])(?:u0040|u\{0{0,8}40|x40))/y;

const AT = 0x40;
const inRun = IN_RUN;
const startsEscape = STARTS_ESCAPE;

/** @param text bytes of UTF-8, each a character (`latin1`) */
export function findAddresses(text: string, visit: Visit, depth = 0): void {
  // Reading these is much faster than reading characters of a string.
  const bytes = Buffer.from(text, 'latin1');
  const spelled: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (inRun[byte] === 1) {
      let end = i + 1;
      while (inRun[bytes[end] as number] === 1) end++;
      if (end - i >= SHORTEST_RUN && depth < DEEPEST) {
        const run = readRun(text, i, end);
        for (const decoded of decodingsOf(run)) visitDecoded(decoded, visit, depth + 1);
        // What breaks it may spell an at sign.
        for (; end < run.end; end++) if (isSpelledAt(text, end)) spelled.push(end);
      }
      i = end - 1;
    } else if (byte === AT) {
      if (visitAt(text, i, visit)) spelled.push(i);
    } else if (startsEscape[byte] === 1 && isSpelledAt(text, i)) {
      spelled.push(i);
    }
  }
  visitSpelled(text, spelled, visit);
}

const visitDecoded = ({ bytes, startOf, endOf }: Decoded, visit: Visit, depth: number) =>
  findAddresses(
    bytes,
    ({ address, at, start, end }) =>
      visit({ address, at: startOf(at), start: startOf(start), end: endOf(end - 1) }),
    depth,
  );

function isSpelledAt(text: string, at: number): boolean {
  SPELLED_AT.lastIndex = at;
  return SPELLED_AT.test(text);
}

/** Decodes what lies around these positions, each stretch once, and reads the at signs that are there then. */
function visitSpelled(text: string, positions: readonly number[], visit: Visit): void {
  for (let first = 0; first < positions.length; ) {
    let last = first;
    while (last + 1 < positions.length && (positions[last + 1] as number) - (positions[last] as number) < 2 * REACH) last++;
    const from = Math.max(0, (positions[first] as number) - REACH);
    const to = Math.min(text.length, (positions[last] as number) + REACH);
    for (const view of viewsOf(text.slice(from, to))) visitView(view, from, { from, to, length: text.length }, visit);
    first = last + 1;
  }
}

function visitView({ text, starts, ends }: View, from: number, cut: { from: number; to: number; length: number }, visit: Visit): void {
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    visitAt(text, at, (found) => {
      const start = from + (starts[found.start] as number);
      const end = from + (ends[found.end - 1] as number);
      // What a cut runs through is whole in the stretch of its own at sign, or longer than any address.
      const isCut = (start === cut.from && cut.from > 0) || (end === cut.to && cut.to < cut.length);
      if (!isCut) visit({ address: found.address, at: from + (starts[found.at] as number), start, end });
    });
  }
}
