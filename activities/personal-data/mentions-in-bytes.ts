// Mentions in a stream of bytes, read as UTF-8 and as UTF-16, in windows that overlap by more than any mention is long.
import type { Mentions } from './mentions';

const WINDOW = 1024 * 1024;
const OVERLAP = 16 * 1024;
/** Characters beside a cut: what lies there is judged in the window that sees both its sides. */
const EDGE = 1_024;

export async function isMentionedIn(mentions: Mentions, chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  let lead = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    size += chunk.length;
    if (size < WINDOW) continue;
    const bytes = Buffer.concat(waiting);
    if (isIn(mentions, bytes, lead, EDGE)) return true;
    const kept = bytes.subarray(-OVERLAP);
    waiting = [kept];
    size = kept.length;
    lead = EDGE;
  }
  return isIn(mentions, Buffer.concat(waiting), lead, 0);
}

function isIn(mentions: Mentions, bytes: Buffer, lead: number, trail: number): boolean {
  return readings(bytes).some((text) =>
    mentions.find(text).some(({ start, end }) => start >= lead && end <= text.length - trail),
  );
}

function readings(bytes: Buffer): string[] {
  if (!bytes.includes(0)) return [bytes.toString()];
  // Either byte order, from an even or an odd place on.
  const swapped = Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16();
  const wide = [bytes, bytes.subarray(1), swapped, swapped.subarray(1)];
  return [bytes.toString(), ...wide.map((one) => one.toString('utf16le'))];
}
