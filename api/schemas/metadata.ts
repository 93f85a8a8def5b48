// A small JSON object that a client keeps with its draft.
import { z } from 'zod';

const MOST_BYTES = 16 * 1024;
const DEEPEST = 16;
const UNFIT = /\0|\p{Surrogate}/u;

export const metadata = z
  .record(z.string(), z.unknown())
  .check((check) => {
    const message = faultOf(check.value);
    if (message) check.issues.push({ code: 'custom', message, input: check.value });
  })
  .meta({ description: 'Kept with the draft and never sent. Up to 16 KiB of JSON.' });

/** Depth first: to write out something deeper could exhaust the stack. */
function faultOf(value: unknown): string | null {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return `must not be nested deeper than ${DEEPEST}`;
    if (level.some((part) => typeof part === 'string' && UNFIT.test(part)))
      return 'must not hold NUL or halves of characters';
    level = level.flatMap(partsOf);
  }
  return Buffer.byteLength(JSON.stringify(value)) > MOST_BYTES ? 'must be 16 KiB of JSON or less' : null;
}

function partsOf(part: unknown): unknown[] {
  if (Array.isArray(part)) return part;
  return part && typeof part === 'object' ? Object.entries(part).flat() : [];
}
