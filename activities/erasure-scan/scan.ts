// Proves erasures: reads every store by its own means and looks for several people at once, and for a decoy that it has planted
// in each source before.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Matcher } from '../personal-data/matching/matcher';
import { windowsOf } from '../personal-data/matching/windows';
import { isInName } from '../personal-data/mentions';
import { normaliseAddress } from '../personal-data/subject';
import {
  NotChecked,
  type ScanChunk,
  type ScanItem,
  type ScanReport,
  type ScanSource,
  type SourceReport,
  type Subject,
} from './report';

/** More than any author can write in the time of a round would be a fault. */
const MOST_PLACES = 10_000;

/** Reads everything once. @returns a report for each person, in their order */
export type Scan = (people: readonly Subject[], beat: () => void) => Promise<ScanReport[]>;

/** An object may be called after the hash of what it holds. */
const HASH = /[\da-f]{64}/i;

type Searching = Pick<Matcher, 'openScan' | 'scanWindow' | 'closeScan'>;

/** A source that can't be read, or whose decoy is not found, fails the scan: what was not looked at is not free of anybody. */
export function createScan(sources: readonly ScanSource[], matcher: Searching): Scan {
  return async (people, beat) => {
    const decoy = { email: `countersign-decoy-${randomBytes(12).toString('hex')}@example.com`, fingerprints: [] };
    const all = [...people.map((one) => ({ ...one, email: normaliseAddress(one.email) })), decoy];
    const scan = randomUUID();
    const needles = await matcher.openScan(scan, all);
    try {
      const reports = people.map((_, n): ScanReport => ({ needles: needles[n] ?? 0, sources: [] }));
      for (const source of sources) {
        const read = await readSource(source, all, { scan, matcher, beat });
        reports.forEach(({ sources: known }, n) => void known.push(read[n] as SourceReport));
      }
      return reports;
    } finally {
      await matcher.closeScan(scan).catch(() => {});
    }
  };
}

interface Reading {
  scan: string;
  matcher: Searching;
  beat: () => void;
}

async function readSource(source: ScanSource, people: readonly Subject[], reading: Reading): Promise<SourceReport[]> {
  const decoy = people.length - 1;
  const planted = await source.plant((people[decoy] as Subject).email);
  try {
    const found = people.map(() => new Map<string, number>());
    let [items, bytes] = [0, 0];
    for await (const item of source.read(people)) {
      items += 1;
      bytes += await readItem(item, items, people, found, reading);
    }
    for (const [place, times] of planted.places) {
      if ((found[decoy]?.get(place) ?? 0) < times) throw new NotChecked(source.name, place);
    }
    return found.map((places) => ({
      source: source.name,
      bytes,
      items: items - planted.items,
      findings: [...places.values()].reduce((sum, times) => sum + times, 0),
      places: [...new Set([...places.keys()].map(withoutAddresses))].slice(0, MOST_PLACES),
    }));
  } finally {
    await planted.remove();
  }
}

/** @returns how many bytes it has */
async function readItem(
  { place, chunks, isBinary = false, isWritten = false }: ScanItem,
  number: number,
  people: readonly Subject[],
  found: Map<string, number>[],
  { scan, matcher, beat }: Reading,
): Promise<number> {
  const note = (person: number, where: string) => {
    const places = found[person];
    places?.set(where, (places.get(where) ?? 0) + 1);
  };
  // A name that holds the person is not repeated.
  const named = people.map(({ email }) => isInName(place, email));
  const shown = (person: number) => (named[person] ? `item ${number}, in its name` : place);
  named.forEach((is, person) => void (is && note(person, shown(person))));
  if (HASH.test(place)) {
    const name = Buffer.from(place);
    for (const person of await matcher.scanWindow(scan, { bytes: name, from: 0, to: name.length })) {
      if (!named[person]) note(person, `item ${number}, in its name`);
    }
  }
  const byAddress = new Map(people.map(({ email }, person) => [email, person]));
  let bytes = 0;
  const visitAddress = (address: string) => {
    const person = byAddress.get(normaliseAddress(address));
    if (person !== undefined) note(person, shown(person));
    bytes += address.length;
  };
  const search = async (stream: AsyncIterable<Uint8Array> | Uint8Array, by: { isWritten: boolean }) => {
    // While the thread searches one window, the next is read.
    let searching: Promise<number[]> = Promise.resolve([]);
    for await (const { bytes: window, from, to, fresh } of windowsOf(stream)) {
      for (const person of await searching) note(person, shown(person));
      searching = matcher.scanWindow(scan, { bytes: window, from, to, isBinary, ...by });
      // Should reading fail first, nobody waits for it.
      searching.catch(() => {});
      bytes += fresh;
      beat();
    }
    for (const person of await searching) note(person, shown(person));
  };
  const visitWritten = (written: Uint8Array) => search(written, { isWritten: true });
  await search(chunks instanceof Uint8Array ? chunks : bytesOf(chunks, visitAddress, visitWritten), { isWritten });
  return bytes;
}

/** A file or a key may be called after somebody else: that part of its place is not repeated. */
const withoutAddresses = (place: string): string => place.replace(/[^/:]*(?:@|%40)[^/:]*/gi, '[address]');

async function* bytesOf(
  chunks: AsyncIterable<ScanChunk>,
  visitAddress: (address: string) => void,
  visitWritten: (bytes: Uint8Array) => Promise<void>,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    if (chunk instanceof Uint8Array) yield chunk;
    else if ('written' in chunk) await visitWritten(chunk.written);
    else visitAddress(chunk.address);
  }
}
