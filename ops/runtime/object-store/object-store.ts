// What every object store does, whatever it is made of.
import type { Readable } from 'node:stream';

export interface ObjectStore {
  /**
   * Readers see the whole object or none; a repeat replaces it. When it has resolved, the object survives a power cut.
   * A source stream that fails rejects with the stream's own error and leaves nothing behind.
   */
  put(key: string, content: Readable | Uint8Array, options?: { type?: string }): Promise<void>;
  /** Throws ObjectNotFound. The caller reads the stream to its end or destroys it. @param version the newest unless given */
  get(key: string, version?: string): Promise<Readable>;
  has(key: string): Promise<boolean>;
  /** Every version of the object; one that is not there is no error. */
  delete(key: string): Promise<void>;
  /** The keys that begin with `prefix`, in the order of their bytes. @param after leaves out those up to and with this one */
  list(prefix: string, after?: string): AsyncIterable<string>;
  /** The same, each with its bytes. */
  sizes(prefix: string): AsyncIterable<{ key: string; size: number }>;
  /** Every version that can still be read, those that were replaced or are hidden by a delete marker too. */
  versions(prefix: string): AsyncIterable<{ key: string; version: string }>;
  /** Removes what puts left behind that were cut off before this time. */
  tidy(before: Date): Promise<void>;
}
