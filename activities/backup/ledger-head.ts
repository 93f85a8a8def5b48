// Compares the erasure ledger under BACKUP_URL with what sets know of it: a ledger that lost its end would bring people back.
import { type Ledger, LedgerBroken } from '../erasure-ledger/ledger';
import type { Manifest } from './manifest';

type Known = Pick<Manifest, 'id' | 'ledger' | 'ledgerHash'>;

/** Returns what is wrong, one sentence a position of the ledger. Throws LedgerKeyUnknown. */
export async function findLedgerFaults(ledger: Pick<Ledger, 'hashAt'>, sets: readonly Known[]): Promise<string[]> {
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const { id, ledger: position, ledgerHash } of sets) {
    if (!ledgerHash || seen.has(`${position} ${ledgerHash}`)) continue;
    seen.add(`${position} ${ledgerHash}`);
    const found = await ledger.hashAt(position).catch(nullIfBroken);
    if (found !== ledgerHash) {
      faults.push(
        `erasure-ledger/ ${found ? 'has another entry' : 'lacks a sound entry'} at position ${position}, which the set ${id} knows`,
      );
    }
  }
  return faults;
}

/** For `catch`: an entry that is gone or not sound is null. */
export function nullIfBroken(error: unknown): null {
  if (error instanceof LedgerBroken) return null;
  throw error;
}
