// What each store of personal data can do. Adding a store means one file with these three, and one line in the registry.

/** Whom a store is asked about. */
export interface Person {
  /** In its normal form (activities/personal-data/subject.ts). */
  email: string;
  /** Keyed hashes of it, one for each key of SECRET_KEY. */
  hashes: Uint8Array[];
  /** Of the erasure, or of a mere question. */
  requestId: string;
  /** A scan has found something after the last purge: what usually goes by itself is looked for too. */
  isRepeated?: boolean;
}

/** Things, as the store counts them: rows, objects, messages. */
export interface Counts {
  /** Gone, or to go. */
  erase: number;
  /** Kept without the person. */
  anonymise: number;
  /** Kept as they are, for this reason. */
  withhold: number;
  /** A code; null where nothing is withheld. */
  ground: 'legal_hold' | null;
}

/** A text of an export that is never held whole. No piece ends within a character. */
export class LongText {
  constructor(readonly pieces: AsyncIterable<string>) {}
}

export interface PersonalDataStore {
  /** As certificates and metrics name it. */
  name: string;
  /** Counts what `purge` would do; changes nothing. */
  preview(person: Person): Promise<Counts>;
  /** Idempotent; goes on where an attempt before it was cut off. `beat` after each part of long work. Throws to be tried again. */
  purge(person: Person, beat: () => void): Promise<Counts>;
  /**
   * Everything held about the person, for their export, an item at a time; exactly what `preview` counts. An item is plain JSON,
   * but for a list in it that may be long, which is an AsyncIterable itself, and a LongText; both are read once, in their turn.
   */
  export(person: Person): AsyncIterable<unknown>;
  /** All that it holds, where it may mention people of whom the database no longer knows: a restore puts it back after that. */
  texts?(): AsyncIterable<string>;
}

export const NOTHING: Counts = { erase: 0, anonymise: 0, withhold: 0, ground: null };
