// Searches windows of bytes for several people at once: by their addresses, and by the hashes of what was written to them.
import { findAddresses } from '../addresses/find-addresses';
import type { Visit } from '../addresses/surroundings';
import { type IsWanted, wantedDomains } from '../addresses/wanted-domains';
import { createFingerprints, type Fingerprints } from './fingerprints';

export interface ScannedPerson {
  /** In its normal form. */
  email: string;
  /** SHA-256 of the person's content, in hex. */
  fingerprints: string[];
}

export interface ScanWindow {
  bytes: Uint8Array;
  /** What begins from here on and before `to` counts; the rest is there to judge by. */
  from: number;
  to: number;
  /** Fields lie side by side in a database's own file: there an address may touch what is no part of it. */
  isBinary?: boolean;
  /** By clients, whose words may be anybody's hash: an address counts there, a hash does not. */
  isWritten?: boolean;
}

interface Scan {
  isWanted: IsWanted;
  byAddress: Map<string, number[]>;
  people: ScannedPerson[];
  fingerprints: Fingerprints;
  byFingerprint: Map<string, number[]>;
}

/** @param isBinary as in a window */
export function isMentioned(text: string, email: string, isBinary: boolean): boolean {
  const scanning = createScanning();
  scanning.open('', [{ email, fingerprints: [] }]);
  const bytes = Buffer.from(text);
  return scanning.search('', { bytes, from: 0, to: bytes.length, isBinary }).length > 0;
}

export function createScanning() {
  const scans = new Map<string, Scan>();

  return {
    /** @returns in how many ways each person is looked for */
    open(id: string, people: ScannedPerson[]): number[] {
      const byAddress = new Map<string, number[]>();
      const byFingerprint = new Map<string, number[]>();
      people.forEach(({ email, fingerprints }, n) => {
        byAddress.set(email, [...(byAddress.get(email) ?? []), n]);
        for (const one of fingerprints) byFingerprint.set(one, [...(byFingerprint.get(one) ?? []), n]);
      });
      const fingerprints = createFingerprints([...byFingerprint.keys()]);
      const isWanted = wantedDomains(people.map(({ email }) => email.slice(email.lastIndexOf('@') + 1)));
      scans.set(id, { isWanted, byAddress, people, fingerprints, byFingerprint });
      return people.map((one) => 1 + new Set(one.fingerprints).size);
    },

    /** @returns who was found: the number of each person, once for each place */
    search(id: string, { bytes: given, from, to, isBinary = false, isWritten = false }: ScanWindow): number[] {
      const scan = scans.get(id);
      if (!scan) throw new Error('This scan is not open');
      const bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
      const text = bytes.toString('latin1');
      const found: number[] = [];
      const seen = new Set<string>();
      const visit: Visit = ({ address, at }) => {
        const people = scan.byAddress.get(address);
        if (!people || at < from || at >= to || seen.has(`${at} ${address}`)) return;
        seen.add(`${at} ${address}`);
        found.push(...people);
      };
      findAddresses(text, visit, { isWanted: scan.isWanted });
      if (isBinary) found.push(...findTouched(scan, text, { from, to }, seen));
      for (const { at, hash } of isWritten ? [] : scan.fingerprints.find(bytes)) {
        if (at >= from && at < to) found.push(...(scan.byFingerprint.get(hash) ?? []));
      }
      return found;
    },

    close: (id: string): boolean => scans.delete(id),
  };
}

/** The plain address where no text surrounds it, if it has not been found as one. */
function findTouched({ people }: Scan, text: string, { from, to }: { from: number; to: number }, seen: Set<string>) {
  const small = text.toLowerCase();
  return people.flatMap(({ email }, n) => {
    const found: number[] = [];
    const sign = email.lastIndexOf('@');
    for (let start = small.indexOf(email); start >= 0; start = small.indexOf(email, start + 1)) {
      const at = start + sign;
      const isHere = at >= from && at < to && !seen.has(`${at} ${email}`);
      if (isHere && touchesControl(text, start, start + email.length)) found.push(n);
    }
    return found;
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they tell a database's own file from text.
const CONTROL_BEFORE = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f][\w.+'-]{0,64}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they tell a database's own file from text.
const CONTROL_AFTER = /^[\w.-]{0,64}[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const touchesControl = (text: string, start: number, end: number) =>
  CONTROL_BEFORE.test(text.slice(Math.max(0, start - 65), start)) || CONTROL_AFTER.test(text.slice(end, end + 65));
