// Chooses the stretches of decoded bytes that may hold an address: most of what looks like base64 is none, or is no text.
import { domainEnd } from './surroundings';

/** How far from its at sign a spelled address reaches. */
export const REACH = 2_048;

/** Keeps apart values that are read one after the other. No spelling reaches across it, so that a value means the same alone. */
export const BORDER = '\x1f';

export interface Stretch {
  from: number;
  to: number;
  /** At a border: nothing is cut off there. */
  startsValue?: boolean;
  endsValue?: boolean;
}

/** What spells an at sign ends so: `%40`, `&#64;`, `&commat;`. */
const SPELLED = /40|64|commat/g;
const ESCAPE_BEFORE = /[%=&\\#][\w{;%=\\]{0,16}$/;
/** May be encoded once more. */
const RUN = /[\w+/-]{12,}/g;

export function stretchesOf(bytes: string): Stretch[] {
  const positions: number[] = [];
  for (let at = bytes.indexOf('@'); at >= 0; at = bytes.indexOf('@', at + 1)) {
    const isWide = bytes[at + 1] === '\0' || bytes[at - 1] === '\0';
    if (isWide || domainEnd(bytes, at) !== -1) positions.push(at);
  }
  for (const { index } of bytes.matchAll(SPELLED)) {
    if (ESCAPE_BEFORE.test(bytes.slice(Math.max(0, index - 20), index))) positions.push(index);
  }
  const runs = [...bytes.matchAll(RUN)].map(({ 0: run, index }) => ({ from: index, to: index + run.length }));
  return joined([...positions.map((at) => ({ from: at - REACH, to: at + REACH })), ...runs], bytes.length);
}

/** The stretches around these positions, in their order, each byte in one at most, each within one value. */
export function stretchesAround(positions: readonly number[], text: string): Stretch[] {
  let [before, behind] = [-1, text.indexOf(BORDER)];
  const stretches = [...positions]
    .sort((a, b) => a - b)
    .map((at): Stretch => {
      while (behind !== -1 && behind < at) [before, behind] = [behind, text.indexOf(BORDER, behind + 1)];
      const startsValue = before >= 0 && before + 1 >= at - REACH;
      const endsValue = behind !== -1 && behind <= at + REACH;
      return {
        from: startsValue ? before + 1 : at - REACH,
        to: endsValue ? behind : at + REACH,
        startsValue,
        endsValue,
      };
    });
  return joined(stretches, text.length);
}

function joined(stretches: Stretch[], length: number): Stretch[] {
  const all: Stretch[] = [];
  for (const { from, to, ...edges } of stretches.sort((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    const next: Stretch = { ...edges, from: Math.max(0, from), to: Math.min(length, to) };
    if (!last || next.from > last.to) all.push(next);
    else if (next.to > last.to) Object.assign(last, { to: next.to, endsValue: next.endsValue });
  }
  return all;
}

/** @returns whether a cut runs through it: it is whole in the stretch of its own at sign, or longer than any address */
export const isCut = (
  { start, end }: { start: number; end: number },
  { from, to, startsValue = false, endsValue = false }: Stretch,
  length: number,
): boolean => (start <= from && from > 0 && !startsValue) || (end >= to && to < length && !endsValue);
