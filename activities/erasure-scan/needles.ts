// Everything that must not be found, looked for in one window of bytes.
import { base64PatternsOf } from './base64';
import { isPartOfAnother } from './boundary';
import { createFingerprints } from './fingerprints';
import { patternsOf } from './patterns';
import type { Subject } from './report';

export interface Needles {
  count: number;
  /** How many begin at `from` or later and before `to`. */
  find(window: Buffer, from: number, to: number): number;
  /** In a name, where an address is made a part of something else: of a key, of a file with its ending. */
  areIn(name: string): boolean;
}

/** Longer than any of them, with what is looked at beside it. */
export const REACH = 8_192;

export function createNeedles({ email, fingerprints }: Subject): Needles {
  const patterns = [...patternsOf(email), ...base64PatternsOf(email)];
  const hashes = createFingerprints(fingerprints);
  return {
    count: patterns.length + hashes.count,
    find(window, from, to) {
      const text = window.toString('latin1');
      const positions = [...patterns.flatMap((pattern) => pattern.find(text, isPartOfAnother)), ...hashes.find(window)];
      return positions.filter((at) => at >= from && at < to).length;
    },
    areIn(name) {
      const bytes = Buffer.from(name);
      const text = bytes.toString('latin1');
      return patterns.some((pattern) => pattern.find(text, () => false).length > 0) || hashes.find(bytes).length > 0;
    },
  };
}
