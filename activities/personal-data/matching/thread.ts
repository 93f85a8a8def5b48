// The thread that searches content: what somebody wrote occupies it, and never the event loop that sends mail or answers requests.
import { parentPort } from 'node:worker_threads';
import { findAddresses } from '../addresses/find-addresses';
import { mentionsOf } from '../mentions';
import { hashNormal } from '../subject';
import { addressesOf, type TextValue, without } from '../text-values';
import { createScanning, isMentioned, type ScanWindow } from './scanning';

const scanning = createScanning();

export const METHODS = {
  /** Returns for each value the addresses that it mentions. */
  addressesOf: (values: TextValue[]): string[][] => values.map((value) => [...addressesOf(value)]),

  /** Returns for each value what is left of it without the person: undefined where it does not mention them. */
  without(values: TextValue[], email: string): (string | null | undefined)[] {
    const mentions = mentionsOf(email);
    return values.map((value) => without(value, email, mentions));
  },

  /** Returns for each value the keyed hashes of the addresses that it mentions, one for each key; null where they are too many. */
  hashesOf: (values: TextValue[], keys: Uint8Array[], most: number): (Uint8Array[] | null)[] =>
    values.map((value) => hashAll(addressesOf(value), keys, most)),

  /** Returns for each text whether it mentions the person. */
  areMentioned: (texts: string[], email: string, { isBinary = false } = {}): boolean[] =>
    texts.map((text) => isMentioned(text, email, isBinary)),

  /** Returns the addresses whose at sign is in this part of the window. */
  addressesInBytes({ bytes, from, to }: ScanWindow): string[] {
    const found = new Set<string>();
    findAddresses(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'), ({ address, at }) => {
      if (at >= from && at < to) found.add(address);
    });
    return [...found];
  },

  openScan: scanning.open,
  scanWindow: (scan: string, window: ScanWindow) => scanning.search(scan, window),
  closeScan: scanning.close,
};
export type Methods = typeof METHODS;

export interface Call {
  id: number;
  method: keyof Methods;
  args: unknown[];
}

function hashAll(addresses: Set<string>, keys: Uint8Array[], most: number): Uint8Array[] | null {
  if (addresses.size > most) return null;
  return [...addresses].flatMap((address) => keys.map((key) => hashNormal(key, address)));
}

parentPort?.on('message', ({ id, method, args }: Call) => {
  try {
    const answer = (METHODS[method] as (...given: unknown[]) => unknown)(...args);
    parentPort?.postMessage({ id, answer });
  } catch (error) {
    // What it says may quote the content.
    parentPort?.postMessage({ id, failure: error instanceof Error ? error.name : 'Error' });
  }
});
