// Finds hashes of people's content, written as hex, base64 or raw bytes: however many there are, it reads the bytes once.

const TABLE_BITS = 20;
const SPREAD = 0x9e3779b1;
const slot = (word: number) => Math.imul(word, SPREAD) >>> (32 - TABLE_BITS);

export interface Fingerprints {
  /** Where in `bytes` one begins, and which. */
  find(bytes: Buffer): { at: number; hash: string }[];
}

export function createFingerprints(hashes: string[]): Fingerprints {
  // The table below has a MiB, and most searches are for an address alone.
  if (hashes.length === 0) return { find: () => [] };
  const needles = [...new Set(hashes)].flatMap((hash) => writtenOut(hash).map((bytes) => ({ hash, bytes })));
  const starts = new Map<number, typeof needles>();
  const table = new Uint8Array(1 << TABLE_BITS);
  for (const needle of needles) {
    const word = needle.bytes.readInt32BE();
    table[slot(word)] = 1;
    starts.set(word, [...(starts.get(word) ?? []), needle]);
  }
  return {
    find(bytes) {
      const found: { at: number; hash: string }[] = [];
      let word = 0;
      for (let at = 0; at < bytes.length; at++) {
        word = (word << 8) | (bytes[at] as number);
        if (table[slot(word)] === 0 || at < 3) continue;
        const start = at - 3;
        const begun = starts
          .get(word)
          ?.find((one) => one.bytes.equals(bytes.subarray(start, start + one.bytes.length)));
        if (begun) found.push({ at: start, hash: begun.hash });
      }
      return found;
    },
  };
}

function writtenOut(hash: string): Buffer[] {
  const raw = Buffer.from(hash, 'hex');
  const encoded = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), raw]).toString('base64');
    const own = text.slice(Math.ceil((8 * offset) / 6), Math.floor((8 * (offset + raw.length)) / 6));
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const texts = new Set([hash.toLowerCase(), hash.toUpperCase(), ...encoded]);
  return [raw, ...[...texts].map((text) => Buffer.from(text))];
}
