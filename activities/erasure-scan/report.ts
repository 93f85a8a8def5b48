// What a scan reads and what it tells: counts and places, never the text that it found.

export interface ScanItem {
  /** A table, a key, a file, a workflow id. */
  place: string;
  chunks: AsyncIterable<Uint8Array> | Uint8Array;
}

export interface ScanSource {
  name: string;
  /** @param subject for a service that can only be asked about somebody */
  read(subject: Subject): AsyncIterable<ScanItem>;
}

export interface Subject {
  email: string;
  /** SHA-256 of the person's content, in hex. */
  fingerprints: string[];
}

export interface SourceReport {
  source: string;
  bytes: number;
  items: number;
  findings: number;
  /** Where, at most ten. */
  places: string[];
}

export interface ScanReport {
  /** In how many ways the person was looked for. */
  needles: number;
  sources: SourceReport[];
}
