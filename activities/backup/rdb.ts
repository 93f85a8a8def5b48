// Whether a snapshot of Redis is whole: it begins with its name, ends with its mark, and its own checksum holds.
import { StepTrouble } from './troubles';

const [EOF, CHECKSUM_BYTES] = [0xff, 8];
/** CRC-64 of Jones, reflected, in halves of 32 bits. */
const [POLYNOMIAL_HIGH, POLYNOMIAL_LOW] = [0x95ac9329, 0xac4bc9b5];

const [TABLE_HIGH, TABLE_LOW] = makeTables();

export interface RdbCheck {
  see(chunk: Buffer): void;
  /** Throws where it is not whole. */
  end(): void;
}

const broken = (message: string) => new StepTrouble('redis_snapshot_broken', message);

export function createRdbCheck(): RdbCheck {
  let [high, low] = [0, 0];
  let head = Buffer.alloc(0);
  let lastSeen = 0;
  /** May be the checksum, which does not count itself. */
  let kept = Buffer.alloc(0);
  return {
    see(chunk) {
      if (head.length < 9) head = Buffer.concat([head, chunk.subarray(0, 9 - head.length)]);
      const all = Buffer.concat([kept, chunk]);
      const counted = Math.max(all.length - CHECKSUM_BYTES, 0);
      for (let i = 0; i < counted; i++) {
        const byte = all[i] as number;
        const at = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (TABLE_LOW[at] as number);
        high = (high >>> 8) ^ (TABLE_HIGH[at] as number);
      }
      if (counted > 0) lastSeen = all[counted - 1] as number;
      kept = all.subarray(counted);
    },
    end() {
      if (!/^REDIS\d{4}$/.test(head.toString('latin1'))) throw broken('What Redis sent is no snapshot');
      if (kept.length < CHECKSUM_BYTES || lastSeen !== EOF) throw broken('The snapshot of Redis is cut off');
      // Zeros: its checksums are switched off.
      if (kept.every((byte) => byte === 0)) return;
      const holds = kept.readUInt32LE(0) === low >>> 0 && kept.readUInt32LE(4) === high >>> 0;
      if (!holds) throw broken("The checksum of Redis's snapshot does not hold");
    },
  };
}

function makeTables(): [Int32Array, Int32Array] {
  const [highs, lows] = [new Int32Array(256), new Int32Array(256)];
  for (let byte = 0; byte < 256; byte++) {
    let [high, low] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const isSet = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (isSet) [high, low] = [high ^ POLYNOMIAL_HIGH, low ^ POLYNOMIAL_LOW];
    }
    [highs[byte], lows[byte]] = [high, low];
  }
  return [highs, lows];
}
