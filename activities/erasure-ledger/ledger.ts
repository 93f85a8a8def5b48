// The erasure ledger: who has been erased, as keyed hashes, chained and signed, beside the backups and outside the database,
// so that no restore brings anybody back.

import { createHash } from 'node:crypto';
import type { Configuration } from '../../ops/runtime/configuration';
import { ObjectNotFound, type ObjectStore, openObjectStore } from '../../ops/runtime/object-store';
import { createSigner, type Signer, type Standing } from '../../ops/runtime/signing';
import { BACKUP_STORE } from '../../workflows/contracts/services';

const PREFIX = 'erasure-ledger/';

export interface LedgerEntry {
  /** Counts from 1. */
  position: number;
  requestId: string;
  /** Keyed hashes of the address, in hex, one for each key of SECRET_KEY at that time. */
  subject: string[];
  certifiedAt: string;
  /** The hash of the entry before it; 64 zeros before the first. */
  prev: string;
  /** SHA-256 of `prev` and what is above, in hex. */
  hash: string;
  signature: string;
  publicKey: string;
}

export class LedgerBroken extends Error {
  override name = 'LedgerBroken';
  readonly code = 'ledger_broken';
  constructor(readonly position: number) {
    super(`The erasure ledger is broken at position ${position}`);
  }
}

/** Not broken, as far as anybody can say who lacks the key; it is not carried out either. */
export class LedgerKeyUnknown extends Error {
  override name = 'LedgerKeyUnknown';
  readonly code = 'ledger_key_unknown';
  constructor(readonly position: number) {
    super(
      `A key that this process does not have signed position ${position} of the erasure ledger. Add that key to SECRET_KEY after a comma.`,
    );
  }
}

const FIRST = '0'.repeat(64);
const keyOf = (position: number) => `${PREFIX}${String(position).padStart(12, '0')}.json`;
const positionOf = (key: string) => Number(/(\d{12})\.json$/.exec(key)?.[1]);

export function createLedger(backups: Pick<ObjectStore, 'put' | 'get' | 'list'>, signer: Signer) {
  async function read(position: number): Promise<LedgerEntry> {
    const chunks: Buffer[] = [];
    for await (const chunk of await backups.get(keyOf(position))) chunks.push(chunk as Buffer);
    return JSON.parse(Buffer.concat(chunks).toString());
  }

  /** The last position; 0 where nobody has been erased yet. */
  async function head(): Promise<number> {
    let last = 0;
    for await (const key of backups.list(PREFIX)) last = Math.max(last, positionOf(key) || 0);
    return last;
  }

  /** From after this position on, each checked. Throws LedgerBroken, or LedgerKeyUnknown. */
  async function* entries(after = 0): AsyncIterable<LedgerEntry> {
    const last = await head();
    let prev = after === 0 ? FIRST : (await read(after).catch(brokenWhereGone(after))).hash;
    for (let position = after + 1; position <= last; position++) {
      const entry = await read(position).catch(() => null);
      const standing = entry ? standingOf(entry, position, prev, signer) : 'forged';
      if (!entry || standing === 'forged') throw new LedgerBroken(position);
      if (standing === 'unknown_key') throw new LedgerKeyUnknown(position);
      prev = entry.hash;
      yield entry;
    }
  }

  /**
   * Returns the hash of the entry at this position, which holds for all entries before it too; null for position 0.
   * Throws LedgerBroken if there is no sound one, or LedgerKeyUnknown.
   */
  async function hashAt(position: number): Promise<string | null> {
    if (position === 0) return null;
    const entry = await read(position).catch(brokenWhereGone(position));
    const standing = standingOf(entry, position, entry.prev, signer);
    if (standing === 'forged') throw new LedgerBroken(position);
    if (standing === 'unknown_key') throw new LedgerKeyUnknown(position);
    return entry.hash;
  }

  return {
    head,
    entries,
    hashAt,
    /** By one at a time, under the caller's lock. An entry of this request that is there already is the answer. */
    async append({ requestId, subject, certifiedAt }: Pick<LedgerEntry, 'requestId' | 'subject' | 'certifiedAt'>) {
      const last = await head();
      const before = last === 0 ? null : await read(last);
      if (before?.requestId === requestId) return before;
      const content = { position: last + 1, requestId, subject, certifiedAt, prev: before?.hash ?? FIRST };
      const hash = hashOf(content);
      const entry: LedgerEntry = { ...content, hash, ...signer.sign(hash) };
      await backups.put(keyOf(entry.position), Buffer.from(JSON.stringify(entry)), { type: 'application/json' });
      return entry;
    },
  };
}

export type Ledger = ReturnType<typeof createLedger>;

export const openLedger = (settings: Pick<Configuration, 'BACKUP_URL' | 'SECRET_KEY'>): Ledger =>
  createLedger(openObjectStore(settings.BACKUP_URL, BACKUP_STORE), createSigner(settings.SECRET_KEY, 'erasure ledger'));

/** This database has carried out what is not there any more. */
const brokenWhereGone = (position: number) => (error: unknown) => {
  throw error instanceof ObjectNotFound || error instanceof SyntaxError ? new LedgerBroken(position) : error;
};

function standingOf(entry: LedgerEntry, position: number, prev: string, signer: Signer): Standing {
  const isNext = entry.position === position && entry.prev === prev && entry.hash === hashOf(entry);
  return isNext ? signer.check(entry.hash, entry) : 'forged';
}

const hashOf = ({
  position,
  requestId,
  subject,
  certifiedAt,
  prev,
}: Omit<LedgerEntry, 'hash' | 'signature' | 'publicKey'>) =>
  createHash('sha256')
    .update(JSON.stringify([prev, position, requestId, subject, certifiedAt]))
    .digest('hex');
