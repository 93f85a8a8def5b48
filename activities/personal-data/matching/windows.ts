// Cuts a stream into windows that overlap, so that whatever lies across a border is whole in one of them, and counts once.
import { REACH as FARTHEST } from '../addresses/stretches';

const WINDOW = 1024 * 1024;
/** More than a spelled address reaches from its at sign, on both sides. */
export const REACH = 4 * FARTHEST;

export interface Window {
  bytes: Buffer;
  /** What begins from here on… */
  from: number;
  /** …and before this is this window's. */
  to: number;
  /** How many bytes no window before it had. */
  fresh: number;
}

export async function* windowsOf(chunks: AsyncIterable<Uint8Array> | Uint8Array): AsyncIterable<Window> {
  let kept = Buffer.alloc(0);
  let from = 0;
  let waiting: Uint8Array[] = [];
  let fresh = 0;
  const join = () => Buffer.concat([kept, ...waiting]);
  for await (const chunk of pieces(chunks)) {
    waiting.push(chunk);
    fresh += chunk.length;
    if (fresh < WINDOW) continue;
    const bytes = join();
    const to = bytes.length - REACH;
    yield { bytes, from, to, fresh };
    const start = Math.max(0, to - REACH);
    kept = bytes.subarray(start);
    from = to - start;
    waiting = [];
    fresh = 0;
  }
  const bytes = join();
  yield { bytes, from, to: bytes.length, fresh };
}

async function* pieces(chunks: AsyncIterable<Uint8Array> | Uint8Array): AsyncIterable<Uint8Array> {
  if (chunks instanceof Uint8Array) {
    for (let at = 0; at < chunks.length; at += WINDOW) yield chunks.subarray(at, at + WINDOW);
  } else {
    for await (const chunk of chunks) {
      if (chunk.length <= WINDOW) yield chunk;
      else yield* pieces(chunk);
    }
  }
}
