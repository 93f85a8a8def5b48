// Defines what a scan reads and what it reports: counts and places, never the text that it found.
import type { ScannedPerson } from '../personal-data/matching/scanning';

/** Bytes, what clients have written, or the whole value of a column that holds one address. */
export type ScanChunk = Uint8Array | { written: Uint8Array } | { address: string };

export interface ScanItem {
  /** A table, a key, a file, a workflow id. */
  place: string;
  chunks: AsyncIterable<ScanChunk> | Uint8Array;
  /** A file in which a server keeps its data, where fields lie side by side. */
  isBinary?: boolean;
  /** Clients have written all of it. A hash of the person's content is words there: its author may have reckoned it. */
  isWritten?: boolean;
}

/** A decoy in one source. */
export interface Planted {
  /** The scan has to find it in these places, at least so many times in each. */
  places: Map<string, number>;
  /** How many items there are for it alone. */
  items: number;
  remove(): Promise<void>;
}

export interface ScanSource {
  name: string;
  /** @param people for a service that can only be asked about somebody */
  read(people: readonly Subject[]): AsyncIterable<ScanItem>;
  /** Writes about a person who does not exist, the way this source is written to. */
  plant(decoy: string): Promise<Planted>;
}

/** In its normal form, with the hashes of what was written to them. */
export type Subject = ScannedPerson;

export interface SourceReport {
  source: string;
  bytes: number;
  items: number;
  findings: number;
  /** The places of the findings, without repeats. */
  places: string[];
}

export interface ScanReport {
  /** In how many ways the person was looked for. */
  needles: number;
  sources: SourceReport[];
}

/** A source that was read without finding the decoy in it: nothing can be said about it. */
export class NotChecked extends Error {
  override name = 'NotChecked';
  readonly code: string;
  constructor(source: string, place: string) {
    super(`The scan did not find its decoy in ${source} (${place}), so it says nothing about that source`);
    this.code = `scan_blind_${source}`;
  }
}
