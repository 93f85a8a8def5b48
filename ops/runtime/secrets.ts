// Keys for one purpose each, derived from SECRET_KEY, so that what leaks from one use is worth nothing in another.
import { hkdfSync } from 'node:crypto';

/** One for each key of SECRET_KEY, the active one first: make with the first, accept all. */
export function deriveSecrets(keys: readonly Buffer[], purpose: string): Buffer[] {
  return keys.map((key) => Buffer.from(hkdfSync('sha256', key, '', `countersign ${purpose}`, 32)));
}
