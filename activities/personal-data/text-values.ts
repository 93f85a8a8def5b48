// Reads and changes one value of a text column by its kind: an address as a whole, JSON by its strings and keys, words as words.
import { addressesIn, type Mentions } from './mentions';
import { isBareAddress, normaliseAddress } from './subject';
import type { TextKind } from './text-places';

export interface TextValue {
  kind: TextKind;
  /** As PostgreSQL writes it; JSON and lists as JSON. */
  value: string;
}

/** Returns the addresses that it mentions, in their normal form. */
export function addressesOf({ kind, value }: TextValue): Set<string> {
  if (kind === 'address' && isBareAddress(value)) return new Set([normaliseAddress(value)]);
  if (kind !== 'json' && kind !== 'list') return addressesIn(value);
  const found = new Set<string>();
  for (const text of stringsIn(JSON.parse(value))) for (const address of addressesIn(text)) found.add(address);
  return found;
}

/** Returns the value without the person, null where nothing of it is left, or undefined where it does not mention them. */
export function without({ kind, value }: TextValue, email: string, mentions: Mentions): string | null | undefined {
  if (kind === 'address' && isBareAddress(value)) return normaliseAddress(value) === email ? null : undefined;
  if (kind === 'address' || kind === 'key') return mentions.isIn(value) ? null : undefined;
  if (kind === 'text') {
    const { text, count } = mentions.replace(value);
    return count > 0 ? text : undefined;
  }
  let isChanged = false;
  const changed = mapStrings(JSON.parse(value), (text) => {
    const { text: kept, count } = mentions.replace(text);
    isChanged ||= count > 0;
    return kept;
  });
  if (!isChanged) return undefined;
  return JSON.stringify(kind === 'list' ? [...new Set(changed as string[])] : changed);
}

/** Yields each string and each key of a JSON value. */
export function* stringsIn(value: unknown): Iterable<string> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const one of value) yield* stringsIn(one);
  else if (value !== null && typeof value === 'object') {
    for (const [key, one] of Object.entries(value)) {
      yield key;
      yield* stringsIn(one);
    }
  }
}

/** Two keys that become the same stay two: the second is numbered. */
function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => mapStrings(one, change));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  const taken = new Set(entries.map(([key]) => key));
  return Object.fromEntries(
    entries.map(([key, one]) => {
      const changed = change(key);
      let name = changed;
      for (let n = 2; name !== key && taken.has(name); n++) name = `${changed} ${n}`;
      taken.add(name);
      return [name, mapStrings(one, change)];
    }),
  );
}
