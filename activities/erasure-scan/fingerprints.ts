// Hashes of the person's content, as hex, base64 and raw bytes: however many there are, the bytes are read once.

const TABLE_BITS = 20;
const SPREAD = 0x9e3779b1;
const slot = (word: number) => Math.imul(word, SPREAD) >>> (32 - TABLE_BITS);

export interface Fingerprints {
  count: number;
  /** Positions in `bytes` where one begins. */
  find(bytes: Buffer): number[];
}

export function createFingerprints(hashes: string[]): Fingerprints {
  const needles = [...new Set(hashes)].flatMap(writtenOut);
  const starts = new Map<number, Buffer[]>();
  const table = new Uint8Array(1 << TABLE_BITS);
  for (const needle of needles) {
    const word = needle.readInt32BE();
    table[slot(word)] = 1;
    starts.set(word, [...(starts.get(word) ?? []), needle]);
  }
  return {
    count: needles.length,
    find(bytes) {
      const found: number[] = [];
      if (needles.length === 0) return found;
      let word = 0;
      for (let at = 0; at < bytes.length; at++) {
        word = (word << 8) | (bytes[at] as number);
        if (table[slot(word)] === 0 || at < 3) continue;
        const start = at - 3;
        const begun = starts.get(word);
        if (begun?.some((needle) => needle.equals(bytes.subarray(start, start + needle.length)))) found.push(start);
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
